/* Inside the cli: how things are printed for people. */
#ifndef NEUROSCALE_CLI_PRIV_H
#define NEUROSCALE_CLI_PRIV_H
#include "neuroscale/engine/snapshot.h"
/* only: of the cluster of that name, "" of all */
void ns_cli_approvals(const ns_snapshot *s, const char *only);
void ns_cli_incidents(const ns_snapshot *s, const char *only);
void ns_cli_undo(const ns_appr_row *r);
void ns_cli_incident(const ns_detail *d);
#endif
