/* The lean lane: what the world `handler` exports, made of httpd_handle. */

#include "bindings/handler.h"
#include "exchange.h"

#include <string.h>

/* The request's body and how much of it was read; the response's body. */
typedef struct {
  handler_list_u8_t request;
  size_t read;
  httpd_buffer response;
} bodies;

static httpd_text text(handler_string_t string) {
  return (httpd_text){(const char *)string.ptr, string.len};
}

static httpd_text optional(handler_option_string_t string) {
  return string.is_some ? text(string.val) : (httpd_text){NULL, 0};
}

static void lift(const handler_request_t *request, httpd_exchange *exchange) {
  exchange->method = text(request->method);
  exchange->path = text(request->path);
  exchange->query = optional(request->query);
  exchange->scheme = text(request->scheme);
  exchange->authority = optional(request->authority);
  exchange->id = text(request->id);
  exchange->client = text(request->client);
  for (size_t i = 0; i < request->fields.len; i++) {
    const httpd_guest_types_field_t *field = &request->fields.ptr[i];
    httpd_text value = {(const char *)field->value.ptr, field->value.len};
    httpd_pairs_add(&exchange->fields, text(field->name), value);
  }
  for (size_t i = 0; i < request->captures.len; i++) {
    const httpd_guest_types_capture_t *capture = &request->captures.ptr[i];
    httpd_pairs_add(&exchange->captures, text(capture->name), text(capture->value));
  }
}

/* The bindings free what is returned once the host has read it, and nothing of what is empty. */
static handler_list_u8_t given_away(httpd_text bytes) {
  handler_list_u8_t copy = {NULL, bytes.length};
  if (!bytes.length) return copy;
  copy.ptr = httpd_allocate(bytes.length);
  memcpy(copy.ptr, bytes.data, bytes.length);
  return copy;
}

static void lower(const httpd_exchange *exchange, const bodies *both,
                  handler_response_t *response) {
  const httpd_pairs *fields = &exchange->response_fields;
  response->status = (uint16_t)exchange->status;
  response->fields.len = fields->count;
  response->fields.ptr = NULL;
  if (fields->count)
    response->fields.ptr = httpd_allocate(fields->count * sizeof *response->fields.ptr);
  for (size_t i = 0; i < fields->count; i++) {
    httpd_guest_types_field_t *field = &response->fields.ptr[i];
    handler_list_u8_t name = given_away(fields->items[i].name);
    field->name = (handler_string_t){name.ptr, name.len};
    field->value = given_away(fields->items[i].value);
  }
  response->body.ptr = (uint8_t *)both->response.data;
  response->body.len = both->response.length;
}

void exports_handler_handle(handler_request_t *request, handler_response_t *response) {
  bodies both = {.request = request->body};
  httpd_exchange exchange = {.status = 200, .below = &both};
  lift(request, &exchange);
  httpd_handle(&exchange);
  if (exchange.failed) {
    exchange.failed = exchange.begun = false;
    exchange.response_fields.count = 0;
    both.response.length = 0;
    httpd_respond_text(&exchange, 500, "Internal Server Error\n");
  }
  lower(&exchange, &both, response);
  httpd_exchange_end(&exchange);
  handler_request_free(request);
}

size_t httpd_below_read(httpd_exchange *exchange, void *buffer, size_t size) {
  bodies *both = exchange->below;
  size_t left = both->request.len - both->read;
  size_t length = left < size ? left : size;
  if (length) memcpy(buffer, both->request.ptr + both->read, length);
  both->read += length;
  return length;
}

bool httpd_below_begin(httpd_exchange *exchange) {
  (void)exchange;
  return true;
}

bool httpd_below_write(httpd_exchange *exchange, const void *data, size_t length) {
  bodies *both = exchange->below;
  httpd_buffer_add(&both->response, data, length);
  return true;
}

void httpd_below_log(httpd_level level, httpd_text line) {
  handler_string_t message = {(uint8_t *)line.data, line.length};
  httpd_guest_log_write((httpd_guest_log_level_t)level, &message);
}
