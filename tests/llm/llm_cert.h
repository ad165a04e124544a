/* A certificate of the TLS tests, for 127.0.0.1, of nobody but itself; valid for a hundred years and for nothing else. */
#ifndef TESTS_LLM_CERT_H
#define TESTS_LLM_CERT_H
static const char llm_cert_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBjjCCATSgAwIBAgIUHuiWtTZw/jttKTFA9e003pXqQRIwCgYIKoZIzj0EAwIw\n"
    "EzERMA8GA1UEAwwIbGxtIHRlc3QwIBcNMjYxMTI0MDAwMDE1WhgPMjEyNjEwMzEw\n"
    "MDAwMTVaMBMxETAPBgNVBAMMCGxsbSB0ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0D\n"
    "AQcDQgAEktCBE2G5mjc2C7J8LfgeZPMXXE7cKtYw7BCSiIqSrypam9HmYCzgmCrQ\n"
    "Ao0zWtIkbx3qSSXAGPOnEhEGq9wVH6NkMGIwHQYDVR0OBBYEFE3qVjbzJOebsnga\n"
    "UkApmwcz99LgMB8GA1UdIwQYMBaAFE3qVjbzJOebsngaUkApmwcz99LgMA8GA1Ud\n"
    "EwEB/wQFMAMBAf8wDwYDVR0RBAgwBocEfwAAATAKBggqhkjOPQQDAgNIADBFAiEA\n"
    "pX1jt3rukIwHDv/7shy5J3D+50uBMFGEP/xjsb3OlFQCIG2HgziML2o8wlOheGaH\n"
    "apd+5YMN15ku2fuvNlfQ/nxG\n"
    "-----END CERTIFICATE-----\n";
static const char llm_key_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7b5tO3ZvTxgutSL/\n"
    "fpPGYabgg2ZzpUGjmoDGkh0GqJ2hRANCAASS0IETYbmaNzYLsnwt+B5k8xdcTtwq\n"
    "1jDsEJKIipKvKlqb0eZgLOCYKtACjTNa0iRvHepJJcAY86cSEQar3BUf\n"
    "-----END PRIVATE KEY-----\n";
#endif
