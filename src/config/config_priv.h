/* Inside the room. */
#ifndef NEUROSCALE_CONFIG_PRIV_H
#define NEUROSCALE_CONFIG_PRIV_H
#include "neuroscale/config/config.h"
bool config_word_in(const char *words, const char *word); /* "approve" is in "approve reject" and not in "approvals" */
#endif
