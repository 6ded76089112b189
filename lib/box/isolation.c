/* SPDX-License-Identifier: Apache-2.0 */
/* The isolation object of reports and provenance; see assay/box.h for its form. */
#include "isolation.h"

#include <stdarg.h>
#include <sys/socket.h>

#include "assay/time.h"
#include "filter.h"

static const char *const layer_names[] = {
#define X(id, name) [id] = name,
	WIRE_LAYERS(X)
#undef X
};

static const struct {
	int family;
	const char *name;
} families[] = {
	{ AF_UNSPEC, "unspec" },	 { AF_UNIX, "unix" },	  { AF_INET, "inet" },
	{ AF_INET6, "inet6" },	 { AF_NETLINK, "netlink" }, { AF_PACKET, "packet" },
	{ AF_ALG, "alg" },	 { AF_VSOCK, "vsock" },	  { AF_BLUETOOTH, "bluetooth" },
	{ AF_XDP, "xdp" },	 { AF_CAN, "can" },	  { AF_KEY, "key" },
	{ AF_TIPC, "tipc" },	 { AF_QIPCRTR, "qipcrtr" },
};

static const struct {
	int type;
	const char *name;
} types[] = {
	{ SOCK_STREAM, "stream" }, { SOCK_DGRAM, "dgram" }, { SOCK_RAW, "raw" },
	{ SOCK_SEQPACKET, "seqpacket" }, { SOCK_RDM, "rdm" },
};

void box_isolation_layer(struct box_isolation *isolation, enum wire_layer layer, int sys,
			 const char *fmt, ...)
{
	struct box_layer *l = &isolation->layers[layer];
	va_list args;

	l->known = true;
	l->sys = sys;
	l->applied = sys == 0;
	va_start(args, fmt);
	vsnprintf(l->detail, sizeof(l->detail), fmt, args);
	va_end(args);
}

static json_t *layers_json(const struct box_isolation *isolation, json_t *missing)
{
	json_t *layers = assay_json_array();

	for (int i = 0; i < LAYER_COUNT; i++) {
		const struct box_layer *l = &isolation->layers[i];
		json_t *object = assay_json_object();
		char detail[256];

		if (l->known && l->sys)
			snprintf(detail, sizeof(detail), "%s (%s)", l->detail, strerror(l->sys));
		else
			snprintf(detail, sizeof(detail), "%s", l->known ? l->detail : "not reported");
		assay_json_set_text(object, "name", layer_names[i]);
		assay_json_set_bool(object, "applied", l->applied);
		assay_json_set_text(object, "detail", detail);
		assay_json_append(layers, object);
		if (!l->applied)
			assay_json_append(missing,
					  assay_json_name(assay_span_text(layer_names[i])));
	}
	return layers;
}

static json_t *refused_json(const struct box_isolation *isolation)
{
	json_t *refused = assay_json_array();
	char name[64];

	for (int i = 0; i < BOX_MAX_REFUSED; i++) {
		json_t *object;

		if (!isolation->refused[i])
			continue;
		object = assay_json_object();
		assay_json_set_text(object, "syscall", box_filter_name(i, name, sizeof(name)));
		assay_json_set_int(object, "count", (int64_t)isolation->refused[i]);
		assay_json_append(refused, object);
	}
	if (isolation->refused_other) {
		json_t *object = assay_json_object();

		assay_json_set_text(object, "syscall", "others");
		assay_json_set_int(object, "count", (int64_t)isolation->refused_other);
		assay_json_append(refused, object);
	}
	return refused;
}

static json_t *attempt_json(const struct box_attempt *attempt)
{
	json_t *object = assay_json_object();
	char text[ASSAY_TIME_TEXT], number[32];
	const char *family = NULL, *type = NULL;

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (families[i].family == attempt->family)
			family = families[i].name;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == (attempt->type & 0xf))
			type = types[i].name;
	snprintf(number, sizeof(number), "family %d", attempt->family);
	assay_json_set_text(object, "family", family ? family : number);
	assay_json_set_text(object, "type", type ? type : "other");
	assay_json_set_int(object, "protocol", attempt->protocol);
	assay_json_set_text(object, "process", attempt->process);
	assay_json_set_text(object, "time", assay_time_format(attempt->time, text));
	return object;
}

static json_t *network_json(const struct box_isolation *isolation)
{
	json_t *network = assay_json_object(), *attempts = assay_json_array();
	json_t *interfaces = assay_json_array();

	for (uint64_t i = 0; i < isolation->attempt_count && i < BOX_MAX_ATTEMPTS; i++)
		assay_json_append(attempts, attempt_json(&isolation->attempts[i]));
	for (size_t i = 0; i < isolation->interface_count; i++) {
		const struct box_interface *in = &isolation->interfaces[i];
		json_t *object = assay_json_object();

		assay_json_set_text(object, "name", in->name);
		assay_json_set_int(object, "rx_packets", (int64_t)in->rx_packets);
		assay_json_set_int(object, "tx_packets", (int64_t)in->tx_packets);
		assay_json_set_int(object, "rx_bytes", (int64_t)in->rx_bytes);
		assay_json_set_int(object, "tx_bytes", (int64_t)in->tx_bytes);
		assay_json_append(interfaces, object);
	}
	assay_json_set(network, "attempts", attempts);
	assay_json_set_int(network, "attempt_count", (int64_t)isolation->attempt_count);
	assay_json_set(network, "interfaces", interfaces);
	return network;
}

json_t *box_isolation_json(const struct box_isolation *isolation)
{
	json_t *object = assay_json_object(), *missing = assay_json_array();

	assay_json_set_text(object, "driver", "native");
	assay_json_set(object, "layers", layers_json(isolation, missing));
	assay_json_set_text(object, "class", json_array_size(missing) ? "reduced" : "full");
	assay_json_set(object, "missing", missing);
	assay_json_set(object, "refused", refused_json(isolation));
	assay_json_set(object, "network", network_json(isolation));
	return object;
}
