/* The command line's verbs over the door: approvals, approve, reject, incidents, incident, status. stdout is data, stderr is messages. */
#ifndef NEUROSCALE_CLI_CLI_H
#define NEUROSCALE_CLI_CLI_H
#include "neuroscale/config/config.h"
#include "neuroscale/engine/door.h"
/* Runs cfg->command; returns the exit status (one table: base/err.h). */
int ns_cli_run(const ns_config *cfg, const ns_door *door);
bool ns_cli_is_verb(const char *command);
#endif
