/* What programs print: words that scripts share. "%T" is the time of the line. */
#include "faults_priv.h"

/* clang-format off */
#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

const sim_words words_http = {
	.start = LINES("%T INFO  listening on :8080"),
	.work = LINES("%T INFO  GET /healthz 200 1ms", "%T INFO  GET /api/items?page=2 200 18ms", "%T INFO  POST /api/items 201 34ms",
	    "%T INFO  GET /api/items/4711 200 9ms", "%T INFO  GET /metrics 200 3ms"),
};
const sim_words words_java = {
	.start = LINES("%T  INFO 1 --- [           main] c.e.shop.CheckoutApplication             : Starting CheckoutApplication using Java 17.0.12",
	    "%T  INFO 1 --- [           main] o.s.b.w.embedded.tomcat.TomcatWebServer  : Tomcat started on port(s): 8080 (http)",
	    "%T  INFO 1 --- [           main] c.e.shop.CheckoutApplication             : Started CheckoutApplication in 2.417 seconds"),
	.work = LINES("%T  INFO 1 --- [nio-8080-exec-3] c.e.shop.CartController                  : cart 8f21 checked out, 3 items",
	    "%T  INFO 1 --- [nio-8080-exec-7] c.e.shop.PricingCache                    : loaded 12000 price rows into the cache",
	    "%T  INFO 1 --- [   scheduling-1] c.e.shop.PricingCache                    : cache holds 96000 rows"),
};
const sim_words words_leak = {
	.start = LINES("%T INFO thumbnailer 2.9.0 starting, 4 workers"),
	.work = LINES("%T INFO rendered 1824x1026 in 212 ms, 41 tiles pending", "%T INFO rendered 4032x3024 in 684 ms, 97 tiles pending",
	    "%T WARN tile cache 91% full, growing", "%T INFO rendered 2048x1536 in 301 ms, 160 tiles pending"),
};
const sim_words words_go_panic = {
	.start = LINES("%T INFO cart service v3.2.0 (commit 7be1d0c)", "%T INFO loading pricing rules from /etc/cart/rules.json"),
	.end = LINES("panic: runtime error: invalid memory address or nil pointer dereference",
	    "[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x6f1a2c]", "", "goroutine 1 [running]:",
	    "example.com/shop/cart/internal/pricing.(*Engine).Load(0x0, {0xc000122000, 0x17})",
	    "\t/src/internal/pricing/engine.go:88 +0x4c", "main.run(0xc0000b4000)", "\t/src/cmd/cart/main.go:61 +0x1d8", "main.main()",
	    "\t/src/cmd/cart/main.go:34 +0x2f"),
};
const sim_words words_node = {
	.start = LINES("%T info: notification-gateway 1.14.0 booting"),
	.end = LINES("/app/node_modules/kafkajs/src/index.js:17", "    throw new TypeError('brokers must be an array')", "    ^", "",
	    "TypeError: brokers must be an array", "    at new Client (/app/node_modules/kafkajs/src/index.js:17:11)",
	    "    at createProducer (/app/src/producer.js:24:18)", "    at Object.<anonymous> (/app/src/server.js:12:20)", "",
	    "Node.js v20.15.1"),
};
const sim_words words_secret_env = {
	.start = LINES("%T INFO payments-api 4.8.1 starting"),
	.end = LINES("%T INFO connecting to payments-db:5432 as payments", "%T FATAL required environment variable DB_PASSWORD is not set (secret payments-db, key password)",
	    "%T FATAL configuration incomplete, exiting"),
};
const sim_words words_secret_file = {
	.start = LINES("%T level=info msg=\"ledger starting\" version=2.3.0"),
	.end = LINES("%T level=error msg=\"cannot read TLS key\" err=\"open /etc/ledger/tls/tls.key: no such file or directory\"",
	    "%T level=fatal msg=\"secret volume ledger-tls is empty: is the Secret ledger-tls in this namespace?\""),
};
const sim_words words_db_down = {
	.start = LINES("%T INFO orders 7.0.3 starting"),
	.end = LINES("%T WARN database orders-db.data.svc.cluster.local:5432 not reachable, attempt 1 of 3",
	    "%T WARN database orders-db.data.svc.cluster.local:5432 not reachable, attempt 3 of 3",
	    "%T ERROR org.postgresql.util.PSQLException: Connection to orders-db.data.svc.cluster.local:5432 refused. Check that the hostname and "
	    "port are correct and that the postmaster is accepting TCP/IP connections.",
	    "\tat org.postgresql.core.v3.ConnectionFactoryImpl.openConnectionImpl(ConnectionFactoryImpl.java:342)",
	    "Caused by: java.net.ConnectException: Connection refused", "%T ERROR giving up, exit 1"),
};
const sim_words words_flags = {
	.start = LINES("%T INFO recommender starting", "%T INFO listening on :8080"),
	.work = LINES("%T INFO GET /recommendations?user=771 200 22ms"),
	.end = LINES("%T INFO refreshing ranking tables", "panic: runtime error: index out of range [12] with length 12", "", "goroutine 41 [running]:",
	    "example.com/reco/internal/rank.(*Table).merge(0xc0003a6000, {0xc0004c2000, 0xd, 0x10})", "\t/src/internal/rank/table.go:203 +0x2b1",
	    "created by example.com/reco/internal/rank.(*Refresher).Start", "\t/src/internal/rank/refresh.go:57 +0x11e"),
};
const sim_words words_dns = {
	.start = LINES("%T INFO starting"),
	.end = LINES("%T ERROR dial tcp: lookup broker.data.svc.cluster.local on 10.96.0.10:53: server misbehaving", "%T FATAL no broker reachable, exiting"),
};
const sim_words words_warming = {
	.start = LINES("%T INFO storefront 12.0.0 listening on :8080", "%T INFO warming template cache"),
	.work = LINES("%T ERROR GET /healthz 503 template cache: asset manifest v12 not found", "%T WARN retrying asset manifest in 2s"),
};

const sim_does does_run = {.what = DOES_RUN};
const sim_does does_no_image = {.what = DOES_NO_IMAGE};
