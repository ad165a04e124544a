/* Prints the generated part of THE GATE in man/neuroscale-tui.1. `make` builds and runs it. */
#include <stdio.h>
#include "neuroscale/engine/gate.h"

int main(void)
{
	ns_buf b = NS_BUF_INIT;
	ns_gate_man(&b);
	int status = fputs(ns_buf_str(&b), stdout) < 0;
	ns_buf_free(&b);
	return status;
}
