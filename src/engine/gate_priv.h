/* For the gate's own test: the verdict as if one row of the table were not there. */
#ifndef NEUROSCALE_ENGINE_GATE_PRIV_H
#define NEUROSCALE_ENGINE_GATE_PRIV_H
#include "neuroscale/engine/gate.h"
#define NS_GATE_ALL_ROWS ((size_t)-1)
ns_gate_way ns_gate_without(const ns_gate_facts *f, size_t skip);
bool ns_gate_may_send_without(const ns_gate_facts *f, bool approved, size_t skip);
#endif
