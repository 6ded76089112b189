/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses and the names of families and types, for the record of network attempts. */
#ifndef ASSAY_BOX_ADDRESS_H
#define ASSAY_BOX_ADDRESS_H

#include <stddef.h>

#define BOX_ADDRESS_TEXT 160

/* "192.0.2.1 port 80", "2001:db8::1 port 53", "cid 2 port 1024", "/run/x", "@name", hex of the rest. */
void box_address_show(const void *address, size_t len, char out[BOX_ADDRESS_TEXT]);
/* "inet", "vsock"; "family 99" into out when it has no name here. */
const char *box_family_name(int family, char *out, size_t size);
/* "stream", "dgram"; "other". */
const char *box_socket_type_name(int type);

#endif
