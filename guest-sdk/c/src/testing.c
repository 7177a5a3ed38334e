/* The world of a native test, in memory. */

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  httpd_text request;
  bool breaks;
  httpd_buffer response;
} world;

static void add_all(httpd_pairs *pairs, const char *const given[16][2]) {
  for (size_t i = 0; i < 16 && given[i][0]; i++)
    httpd_pairs_add(pairs, httpd_text_of(given[i][0]), httpd_text_of(given[i][1]));
}

static void lift(const httpd_test_request *request, httpd_exchange *exchange) {
  const char *mark = strchr(request->target, '?');
  exchange->method = httpd_text_of(request->method ? request->method : "GET");
  exchange->path = httpd_text_of(request->target);
  if (mark) exchange->path.length = (size_t)(mark - request->target);
  if (mark) exchange->query = httpd_text_of(mark + 1);
  exchange->scheme = httpd_text_of("http");
  exchange->id = httpd_text_of("test");
  exchange->client = httpd_text_of("192.0.2.1:49152");
  add_all(&exchange->fields, request->fields);
  add_all(&exchange->captures, request->captures);
}

httpd_test_response httpd_test(const httpd_test_request *request) {
  httpd_exchange *exchange = httpd_allocate(sizeof *exchange);
  world *all = httpd_allocate(sizeof *all);
  *all = (world){.request = request->body, .breaks = request->body_breaks};
  *exchange = (httpd_exchange){.status = 200, .below = all};
  lift(request, exchange);
  httpd_handle(exchange);
  bool replaced = exchange->failed && !exchange->begun;
  return (httpd_test_response){
      .complete = !exchange->failed || replaced,
      .status = replaced ? 500 : exchange->status,
      .body = {all->response.data, all->response.length},
      .exchange = exchange,
  };
}

httpd_text httpd_test_field(const httpd_test_response *response, const char *name) {
  const httpd_pairs *fields = &response->exchange->response_fields;
  for (size_t i = 0; i < fields->count; i++)
    if (httpd_equal(fields->items[i].name, name)) return fields->items[i].value;
  return (httpd_text){NULL, 0};
}

void httpd_test_end(httpd_test_response *response) {
  world *all = response->exchange->below;
  free(all->response.data);
  free(all);
  httpd_exchange_end(response->exchange);
  free(response->exchange);
}

size_t httpd_below_read(httpd_exchange *exchange, void *buffer, size_t size) {
  world *all = exchange->below;
  size_t length = all->request.length < size ? all->request.length : size;
  if (length) memcpy(buffer, all->request.data, length);
  all->request.data += length;
  all->request.length -= length;
  exchange->failed = !length && all->breaks;
  return length;
}

bool httpd_below_begin(httpd_exchange *exchange) {
  (void)exchange;
  return true;
}

bool httpd_below_write(httpd_exchange *exchange, const void *data, size_t length) {
  world *all = exchange->below;
  httpd_buffer_add(&all->response, data, length);
  return true;
}

static httpd_buffer last_line;

httpd_text httpd_test_last_line(void) {
  return (httpd_text){last_line.data, last_line.length};
}

void httpd_below_log(httpd_level level, httpd_text line) {
  last_line.length = 0;
  httpd_buffer_add(&last_line, line.data, line.length);
  static const char *const LEVELS[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR"};
  fprintf(stderr, "%s %.*s\n", LEVELS[level], (int)line.length, line.data);
}
