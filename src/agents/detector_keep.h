/* What each row of the watch keeps of its objects; the rest of their text is checked and never built (kube/watch.h, keep). */
#ifndef NEUROSCALE_AGENTS_DETECTOR_KEEP_H
#define NEUROSCALE_AGENTS_DETECTOR_KEEP_H
extern const char *const dt_keep_pods[], *const dt_keep_events[], *const dt_keep_owners[], *const dt_keep_nodes[], *const dt_keep_reports[],
    *const dt_keep_policies[], *const dt_keep_secrets[],
    *const dt_keep_autoscalers[], *const dt_keep_claims[], *const dt_keep_applications[];
#endif
