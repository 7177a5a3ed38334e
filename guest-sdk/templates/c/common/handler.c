/* The handler: one function from a request to its response. */

#include "httpd_guest.h"

static void hello(httpd_exchange *exchange) {
  httpd_text name = httpd_query_param(exchange, "name");
  if (!name.data) {
    httpd_respond_text(exchange, 200, "Hello world!");
    return;
  }
  httpd_add_field(exchange, "content-type", httpd_text_of("text/plain; charset=utf-8"));
  httpd_write(exchange, "Hello, ", 7);
  httpd_write(exchange, name.data, name.length);
  httpd_write(exchange, "!", 1);
}

/* Sends the body back, under the type it came with, however big it is. */
static void echo(httpd_exchange *exchange) {
  httpd_text type = httpd_field(exchange, "content-type");
  httpd_add_field(exchange, "content-type",
                  type.data ? type : httpd_text_of("application/octet-stream"));
  char piece[16 * 1024];
  size_t length;
  while ((length = httpd_read(exchange, piece, sizeof piece)))
    if (!httpd_write(exchange, piece, length)) return;
}

void httpd_handle(httpd_exchange *exchange) {
  if (httpd_ends_with(httpd_path(exchange), "/echo"))
    echo(exchange);
  else
    hello(exchange);
}
