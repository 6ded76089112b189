/* SPDX-License-Identifier: Apache-2.0 */
/* The isolation object of reports and provenance; see assay/box.h for its form. */
#include "isolation.h"

#include <stdarg.h>

#include "assay/time.h"
#include "filter.h"

static const char *const layer_names[] = {
#define X(id, name) [id] = name,
	WIRE_LAYERS(X)
#undef X
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
	char text[ASSAY_TIME_TEXT], name[64];

	assay_json_set_text(object, "call", box_filter_name(attempt->call, name, sizeof(name)));
	assay_json_set_text(object, "family",
			    box_family_name(attempt->family, name, sizeof(name)));
	if (attempt->address[0]) {
		assay_json_set_text(object, "address", attempt->address);
	} else {
		assay_json_set_text(object, "type", box_socket_type_name(attempt->type));
		assay_json_set_int(object, "protocol", attempt->protocol);
	}
	assay_json_set(object, "process", assay_json_name(assay_span_text(attempt->process)));
	assay_json_set(object, "program", assay_json_name(assay_span_text(attempt->program)));
	assay_json_set_int(object, "pid", attempt->pid);
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

	assay_json_set_text(object, "driver", isolation->driver);
	assay_json_set(object, "layers", layers_json(isolation, missing));
	if (isolation->runtime) {
		assay_json_set(object, "runtime", json_incref(isolation->runtime));
		if (strcmp(assay_json_text(isolation->runtime, "state", ""), "usable") != 0)
			assay_json_append(missing, json_string("current-runtime"));
	}
	assay_json_set_text(object, "class", json_array_size(missing) ? "reduced" : "full");
	assay_json_set(object, "missing", missing);
	assay_json_set(object, "refused", refused_json(isolation));
	assay_json_set(object, "network", network_json(isolation));
	return object;
}
