/* Tests of the SDK that need no component. Each brings its own handler. */

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                      \
  do {                                                                   \
    if (!(what)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
      exit(1);                                                           \
    }                                                                    \
  } while (0)

static void (*handler)(httpd_exchange *exchange);

void httpd_handle(httpd_exchange *exchange) { handler(exchange); }

static void call(void (*given)(httpd_exchange *exchange), const httpd_test_request *request,
                 unsigned status, bool complete, const char *body) {
  handler = given;
  httpd_test_response response = httpd_test(request);
  CHECK(response.status == status && response.complete == complete);
  CHECK(response.body.length == strlen(body));
  CHECK(!response.body.length || httpd_equal(response.body, body));
  httpd_test_end(&response);
}

static void looks_at_head(httpd_exchange *exchange) {
  CHECK(httpd_equal(httpd_method(exchange), "PUT"));
  CHECK(httpd_equal(httpd_path(exchange), "/tasks/7"));
  CHECK(httpd_equal(httpd_query(exchange), "x=1"));
  CHECK(httpd_equal(httpd_scheme(exchange), "http") && !httpd_authority(exchange).data);
  CHECK(httpd_equal(httpd_id(exchange), "test"));
  CHECK(httpd_equal(httpd_client(exchange), "192.0.2.1:49152"));
  CHECK(httpd_equal(httpd_field(exchange, "accept"), "a"));
  CHECK(!httpd_field(exchange, "x-none").data);
  CHECK(httpd_equal(httpd_capture(exchange, "id"), "7") && !httpd_capture(exchange, "x").data);
}

static void a_request_has_what_a_handler_asks_for(void) {
  const httpd_test_request request = {
      .method = "PUT",
      .target = "/tasks/7?x=1",
      .fields = {{"accept", "a"}, {"accept", "b"}},
      .captures = {{"id", "7"}},
  };
  call(looks_at_head, &request, 200, true, "");
}

/* What `name` has to be in the query of the request, and NULL for absent. */
static const char *expected;

static void looks_at_name(httpd_exchange *exchange) {
  httpd_text name = httpd_query_param(exchange, "na me");
  if (expected)
    CHECK(httpd_equal(name, expected));
  else
    CHECK(!name.data);
}

static void queries_are_decoded(void) {
  static const char *const CASES[][2] = {
      {"/", NULL},           {"/?", NULL},
      {"/?na+me", ""},       {"/?na%20me=", ""},
      {"/?x&na+me=1+2", "1 2"}, {"/?na+me=1&na+me=2", "1"},
      {"/?na+me=%41%zz%4", "A%zz%4"}, {"/?&&=&na+me=a=b&", "a=b"},
      {"/?na+mex=1", NULL},  {"/?na+me=%C3%A4", "\xc3\xa4"},
      {"/?na+me=%", "%"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    expected = CASES[i][1];
    call(looks_at_name, &(httpd_test_request){.target = CASES[i][0]}, 200, true, "");
  }
}

static void reads_up_to_five(httpd_exchange *exchange) {
  httpd_text body = httpd_body(exchange, 5);
  if (body.data)
    httpd_respond(exchange, 200, "text/plain", body);
  else
    httpd_respond_text(exchange, 413, "no");
}

static void a_body_is_read_up_to_a_bound(void) {
  const httpd_test_request fits = {.target = "/", .body = httpd_text_of("12345")};
  call(reads_up_to_five, &fits, 200, true, "12345");
  const httpd_test_request empty = {.target = "/"};
  call(reads_up_to_five, &empty, 200, true, "");
  const httpd_test_request big = {.target = "/", .body = httpd_text_of("123456")};
  call(reads_up_to_five, &big, 413, true, "no");
}

static void copies(httpd_exchange *exchange) {
  char piece[2];
  size_t length;
  while ((length = httpd_read(exchange, piece, sizeof piece))) httpd_write(exchange, piece, length);
}

static void a_body_that_breaks_off_fails_the_response(void) {
  const httpd_test_request request = {
      .target = "/", .body = httpd_text_of("12345"), .body_breaks = true};
  call(copies, &request, 200, false, "12345");
  call(reads_up_to_five, &request, 500, true, "");
}

static void fails_at_once(httpd_exchange *exchange) { httpd_fail(exchange); }

static void fails_late(httpd_exchange *exchange) {
  CHECK(httpd_write(exchange, "a", 1));
  httpd_fail(exchange);
  CHECK(!httpd_write(exchange, "b", 1));
}

static void a_failure_replaces_the_response_or_cuts_it_short(void) {
  const httpd_test_request request = {.target = "/"};
  call(fails_at_once, &request, 500, true, "");
  call(fails_late, &request, 200, false, "a");
}

static void adds_many_fields(httpd_exchange *exchange) {
  char name[16];
  for (int i = 0; i < 100; i++) {
    snprintf(name, sizeof name, "x-%d", i);
    httpd_add_field(exchange, name, httpd_text_of(name));
  }
}

static void many_fields_are_kept(void) {
  handler = adds_many_fields;
  httpd_test_response response = httpd_test(&(httpd_test_request){.target = "/"});
  CHECK(httpd_equal(httpd_test_field(&response, "x-0"), "x-0"));
  CHECK(httpd_equal(httpd_test_field(&response, "x-99"), "x-99"));
  CHECK(!httpd_test_field(&response, "x-100").data);
  httpd_test_end(&response);
}

/* The length of a line after so many bytes of text and this character. */
static size_t logged(size_t length, const char *character) {
  char text[1100] = {0};
  memset(text, 'x', length);
  strcat(text, character);
  httpd_log(HTTPD_INFO, "%s", text);
  return httpd_test_last_line().length;
}

static void a_long_line_is_cut_between_characters(void) {
  CHECK(logged(5, "") == 5 && logged(1021, "\xc3\xa4") == 1023);
  CHECK(logged(1022, "\xc3\xa4") == 1022 && logged(1023, "\xc3\xa4") == 1023);
  CHECK(logged(1021, "\xe6\x97\xa5") == 1021 && logged(1020, "\xe6\x97\xa5") == 1023);
  CHECK(logged(1020, "\xf0\x9f\x98\x80") == 1020 && logged(1030, "") == 1023);
}

static void texts_are_compared(void) {
  CHECK(httpd_equal(httpd_text_of("a"), "a") && !httpd_equal(httpd_text_of("a"), "ab"));
  CHECK(!httpd_equal(httpd_text_of(NULL), ""));
  CHECK(httpd_ends_with(httpd_text_of("/a/echo"), "/echo"));
  CHECK(!httpd_ends_with(httpd_text_of("echo"), "/echo"));
  CHECK(!httpd_ends_with(httpd_text_of(NULL), ""));
}

int main(void) {
  a_request_has_what_a_handler_asks_for();
  queries_are_decoded();
  a_body_is_read_up_to_a_bound();
  a_body_that_breaks_off_fails_the_response();
  a_failure_replaces_the_response_or_cuts_it_short();
  many_fields_are_kept();
  a_long_line_is_cut_between_characters();
  texts_are_compared();
  puts("all tests passed");
  return 0;
}
