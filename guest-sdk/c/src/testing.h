/* The world of a native test: calls httpd_handle without a component around it. Lines of the log
 * go to standard error. */

#ifndef HTTPD_GUEST_TESTING_H
#define HTTPD_GUEST_TESTING_H

#include "exchange.h"

/* What a test says of a request. */
typedef struct {
  /* GET when it is NULL. */
  const char *method;
  /* The path, with `?` and the query if there is one. */
  const char *target;
  /* Names in lower case, and their values; a name that is NULL ends them. */
  const char *fields[16][2];
  /* What the route captured; as the fields. */
  const char *captures[16][2];
  httpd_text body;
  /* Whether the body breaks off at its end. */
  bool body_breaks;
} httpd_test_request;

/* What came of it. */
typedef struct {
  /* The response is complete. */
  bool complete;
  unsigned status;
  httpd_text body;
  /* For httpd_test_field. */
  httpd_exchange *exchange;
} httpd_test_response;

/* Calls the handler. The response is there until httpd_test_end. */
httpd_test_response httpd_test(const httpd_test_request *request);
/* The first value of a field of the response, whose name is given as the handler gave it. */
httpd_text httpd_test_field(const httpd_test_response *response, const char *name);
/* The last line that was logged, until the next one is. */
httpd_text httpd_test_last_line(void);
/* Frees a response. */
void httpd_test_end(httpd_test_response *response);

#endif
