/* What a bearer token says of itself when it is a JWT. Nothing is verified: the server alone decides; this tells a person why it may refuse. Pure. */
#ifndef NEUROSCALE_KUBE_TOKEN_H
#define NEUROSCALE_KUBE_TOKEN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/model/redact.h"
typedef struct ns_token_info {
	char subject[256];  /* "system:serviceaccount:default:robot", "" it does not say */
	int64_t expires_ms; /* wall, 0: never, or it does not say */
} ns_token_info;
/* False when it is no JWT. */
bool ns_token_read(const ns_secret *token, ns_token_info *out);
#endif
