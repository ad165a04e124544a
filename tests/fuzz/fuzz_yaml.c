/* YAML: any bytes give a tree of JSON that can be written and read, or an error that names the input. */
#include "fuzz.h"
#include "neuroscale/model/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	ns_err err = {0};
	cJSON *j = ns_yaml_parse((const char *)data, n, "input.yaml", 0, 0, &err);
	if (!j) {
		NEED(err.code != NS_OK && strstr(err.text, "input.yaml"));
		return 0;
	}
	char *text = ns_json_text(j);
	NEED(text && text[0]);
	cJSON *again = ns_json_parse(text, strlen(text), &ns_json_api, &err);
	NEED(again);
	cJSON_Delete(again);
	free(text);
	cJSON_Delete(j);
	return 0;
}
