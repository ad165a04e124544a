/* What makes a change doubtful although everything about it fits: demand that only rises, somebody who wants it so, a limit that is meant. */
#include <string.h>

#include "text_priv.h"

/* Ever more of it in a row of times or of limits: "200Mi after 10 min, 600Mi after 30 min, 1.4Gi after 55 min", "512Mi -> 1Gi -> 2Gi". */
bool ns_text_ever_more(const text_doc *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const text_unit *u = &d->unit[i];
		if (!u->order && u->place != TEXT_LOG && ns_text_rising(u->text) >= 3 &&
		    (strstr(u->text, "->") || ns_flat_find(u->flat, "after |(min|minutes|hours|h|days|hour) |then |later |again |next |tried|even |"
		        "also ")))
			return true;
	}
	return false;
}

/* Somebody wants, owes or expects something of what is idle: words of intent and duty in a sentence that does not tell of an end of use.
 * Whatever exactly is meant, a person is asked. */
bool ns_text_intent(const text_doc *d)
{
	static const char intent[] =
	    "must |has to |have to |needs |need |wants |want |asks |asked |ask |demand|requires|require |required|expects|expect |insist|prefers|"
	    "promise|guarantee|commit|oblig|owes|contract|sla |slo |agreement|agreed|terms|regulat|audit|complian|legal|law |court|retention|"
	    "customer|client|partner|investor|board|management|ceo|cto |sales|support |doctor|patient|police|military|safety|emergency|"
	    "because|so that|in order|in case|as long as|unless|until|till |whenever|when |if |for when|before |prior to|ahead of|upcoming|"
	    "tomorrow|tonight|next (week|month|day|monday|tuesday|wednesday|thursday|friday|sprint|release|quarter|season)|on (request|demand|"
	    "call|purpose|standby|behalf)|intended|intentional|deliberate|purpose|meant|reserve|spare|backup|fallback|failover|rehears|drill|"
	    "dry run|"
	    "cut over|cutover|go live|golive|warm|ready for|prepared|prepares|preparing|waits|waiting|await|keep |keeps |kept |hold |holds |"
	    "held |leave |"
	    "leaves |do not|don t|not to be|hands off|freeze|frozen|pinned|protected|exempt|paid|pays|prepaid|booked|licen|only (way|one|place|"
	    "copy)|"
	    "depend|relies|rely|used by|uses it|user of|owner|lead |vip|year end|month end|quarter end|season|exam|election|holiday";
	static const char ended[] =
	    "nobody|no one|nothing|none |no longer|ended|(is|was|are|were|long|all) over |finished|done|closed|merged|forgot|abandon|"
	    "left running|by mistake|accident|cancelled|"
	    "canceled|stopped|not needed|not required|never (put|scaled|turned|used|came)|unused|gone|went|expired|"
	    "(no|zero|0) (one|users|user|traffic|requests|queries|jobs|sessions|load|work|activity|players|clients|customers|customer)|"
	    "not critical|not (customer|used)|non production";
	for (size_t i = 0; i < d->n; i++) {
		const text_unit *u = &d->unit[i];
		if (!u->order && u->place != TEXT_LOG && ns_flat_find(u->flat, intent) && !ns_flat_find(u->flat, ended))
			return true;
	}
	return false;
}

/* The limit itself is somebody's will. */
bool ns_text_limit_meant(const text_doc *d)
{
	static const char meant[] = "policy|contract|on purpose|deliberate|by design|not to be raised|must not|never raise|do not raise|"
	    "don t raise|agreed|fair "
	                            "use|paid tier|free tier|plan allows|hard cap|capped by|guard rail|guardrail|forbid|not allowed|allowance|"
	                            "quota";
	for (size_t i = 0; i < d->n; i++)
		if (!d->unit[i].order && d->unit[i].place == TEXT_PROSE && ns_flat_find(d->unit[i].flat, meant))
			return true;
	return false;
}
