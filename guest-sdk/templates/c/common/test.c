/* No server and no WebAssembly: `make test` calls the function. */

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(what)                                                   \
  do {                                                                \
    if (!(what)) {                                                    \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

static void greets_by_name(void) {
  httpd_test_response response = httpd_test(&(httpd_test_request){.target = "/?name=Ada%21"});
  CHECK(response.status == 200);
  CHECK(httpd_equal(response.body, "Hello, Ada!!"));
  httpd_test_end(&response);
  response = httpd_test(&(httpd_test_request){.target = "/"});
  CHECK(httpd_equal(response.body, "Hello world!"));
  httpd_test_end(&response);
}

static void the_body_and_its_type_come_back(void) {
  httpd_test_response response = httpd_test(&(httpd_test_request){
      .method = "POST",
      .target = "/echo",
      .fields = {{"content-type", "image/png"}},
      .body = httpd_text_of("bytes"),
  });
  CHECK(httpd_equal(response.body, "bytes"));
  CHECK(httpd_equal(httpd_test_field(&response, "content-type"), "image/png"));
  httpd_test_end(&response);
}

int main(void) {
  greets_by_name();
  the_body_and_its_type_come_back();
  puts("all tests passed");
  return 0;
}
