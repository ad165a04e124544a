/* Prints the generated part of man/neuroscale-detector.7. `make` builds and runs it. */
#include <stdio.h>
#include "neuroscale/agents/detector.h"

int main(void)
{
	ns_buf b = NS_BUF_INIT;
	ns_detector_man(&b);
	int status = fputs(ns_buf_str(&b), stdout) < 0;
	ns_buf_free(&b);
	return status;
}
