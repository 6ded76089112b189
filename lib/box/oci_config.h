/* SPDX-License-Identifier: Apache-2.0 */
/* The policy as a bundle's config.json (OCI Runtime Specification 1.0.2, "Configuration"). */
#ifndef ASSAY_BOX_OCI_CONFIG_H
#define ASSAY_BOX_OCI_CONFIG_H

#include "assay/box.h"
#include "pack.h"

/* Sources are where launcher/oci.c lays things out. */
enum assay_code oci_config_write(const struct assay_box_policy *policy,
				 const struct box_settings *settings, struct assay_buf *out,
				 struct assay_error *err) ASSAY_CHECKED;

#endif
