/* Inside the cli: how things are printed for people. */
#ifndef NEUROSCALE_CLI_PRIV_H
#define NEUROSCALE_CLI_PRIV_H
#include "neuroscale/engine/snapshot.h"
void ns_cli_approvals(const ns_snapshot *s);
void ns_cli_incidents(const ns_snapshot *s);
void ns_cli_incident(const ns_detail *d);
#endif
