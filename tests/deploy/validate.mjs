// SPDX-License-Identifier: Apache-2.0
// validate.mjs TOP: the manifests against the schemas that Kubernetes and KEDA publish, the pods against the restricted Pod
// Security Standard, and the API's document against OpenAPI 3.1.  Each check is also shown something wrong.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { Validator } from "@seriousme/openapi-schema-validator";

const top = process.env.TOP;
const folder = `${top}/share/kubernetes`;
const read = (name) => parseAllDocuments(readFileSync(`${folder}/${name}`, "utf8"), { merge: true }).map((d) => {
	assert.deepEqual(d.errors, []);
	return d.toJS();
});

// The compiled schema of a kind, by the module that uses it: group "keda.sh" has a package of its own.
async function schemaOf({ apiVersion, kind }) {
	const home = `node_modules/${apiVersion.startsWith("keda.sh/") ? "@kubernetes-models/keda" : "kubernetes-models"}`;
	const file = resolve(home, apiVersion, `${kind}.mjs`);
	const [, schema] = readFileSync(file, "utf8").match(/from ?"([^"]*_schemas\/[^"]+)"/);
	return (await import(resolve(dirname(file), schema))).validate;
}

// A validator asks for every key it knows; what it never asked for is a key that nobody knows, which a server would refuse.
function watched(value, path, unread) {
	if (typeof value !== "object" || value === null)
		return value;
	const inner = Array.isArray(value) ? value.map((v, i) => watched(v, `${path}[${i}]`, unread)) :
		Object.fromEntries(Object.entries(value).map(([k, v]) => [k, watched(v, `${path}.${k}`, unread)]));
	if (Array.isArray(value))
		return inner;
	for (const key of Object.keys(value))
		unread.add(`${path}.${key}`);
	return new Proxy(inner, {
		get(target, key) {
			unread.delete(`${path}.${String(key)}`);
			return target[key];
		},
	});
}

async function validate(document) {
	const schema = await schemaOf(document);
	const unread = new Set();
	const good = schema(watched(document, document.kind, unread));
	assert.ok(good, JSON.stringify(schema.errors, null, 1));
	// KEDA's own schema leaves the metadata of its template open; a job's, which it is held to below, does not
	const open = (key) => document.kind === "ScaledJob" && key.includes(".template.metadata.");
	assert.deepEqual([...unread].filter((key) => !open(key)), [], "keys that nobody knows");
}

const podOf = (document) => ({
	Job: () => document.spec.template.spec,
	Deployment: () => document.spec.template.spec,
	StatefulSet: () => document.spec.template.spec,
	ScaledJob: () => document.spec.jobTargetRef.template.spec,
}[document.kind]?.());

function restricted(pod) {
	const outer = pod.securityContext ?? {};
	assert.ok(!pod.hostNetwork && !pod.hostPID && !pod.hostIPC, "no namespace of the host's");
	assert.ok(["RuntimeDefault", "Localhost"].includes(outer.seccompProfile?.type), "a seccomp profile");
	assert.ok(outer.runAsNonRoot === true && outer.runAsUser > 0, "not root");
	for (const volume of pod.volumes ?? [])
		assert.ok(["configMap", "emptyDir", "projected", "secret", "persistentVolumeClaim"].includes(Object.keys(volume).find((k) => k !== "name")), volume.name);
	for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
		const inner = container.securityContext ?? {};
		assert.equal(inner.allowPrivilegeEscalation, false, `${container.name}: no new privileges`);
		assert.deepEqual(inner.capabilities, { drop: ["ALL"] }, `${container.name}: no capability`);
		assert.equal(inner.readOnlyRootFilesystem, true, `${container.name}: read-only root`);
		assert.ok(!inner.privileged && inner.procMount === undefined, container.name);
		for (const mount of container.volumeMounts ?? [])
			assert.ok(pod.volumes?.some((v) => v.name === mount.name) || mount.name === "state", `${container.name}: ${mount.name}`);
	}
}

for (const name of readdirSync(folder).filter((n) => n.endsWith(".yaml")))
	test(name, async () => {
		for (const document of read(name)) {
			await validate(document);
			assert.ok(document.kind === "Namespace" || document.metadata.namespace === "assay", "a namespace");
			const pod = podOf(document);
			if (pod)
				restricted(pod);
		}
	});

test("what is wrong is found", async () => {
	const [job] = read("worker-job.yaml");
	await assert.rejects(validate({ ...job, spec: { ...job.spec, parallelism: "two" } }));
	await assert.rejects(validate({ ...job, spec: { ...job.spec, surprise: 1 } }));
	const [scaled] = read("keda-scaledjob.yaml");
	await assert.rejects(validate({ ...scaled, spec: { ...scaled.spec, maxReplicaCount: "many" } }));
	const pod = structuredClone(podOf(job));
	pod.containers[0].securityContext.capabilities.drop = [];
	assert.throws(() => restricted(pod));
});

test("the scaled job's pod is the job's", () => {
	const [job] = read("worker-job.yaml");
	const [scaled] = read("keda-scaledjob.yaml");
	assert.deepEqual(scaled.spec.jobTargetRef.template, job.spec.template);
	assert.match(scaled.spec.triggers[0].metadata.query, /assay_queue_depth\{state="queued"/);
});

test("the seccomp profile lets a box be made", () => {
	const profile = JSON.parse(readFileSync(`${folder}/seccomp/assay-worker.json`, "utf8"));
	const denied = new Set(profile.syscalls.flatMap((rule) => rule.names));
	for (const call of ["unshare", "clone", "clone3", "setns", "mount", "umount2", "pivot_root", "seccomp", "landlock_create_ruleset", "keyctl"])
		assert.ok(!denied.has(call), call);
	for (const call of ["bpf", "kexec_load", "init_module", "perf_event_open", "userfaultfd"])
		assert.ok(denied.has(call), call);
});

test("the API's document is OpenAPI 3.1", async () => {
	const document = JSON.parse(readFileSync(`${top}/docs/schema/api-1.json`, "utf8"));
	const found = await new Validator().validate(document);
	assert.ok(found.valid, JSON.stringify(found.errors, null, 1));
	const wrong = structuredClone(document);
	wrong.paths["/v1/jobs"].get.responses["200"] = { description: 7 };
	assert.equal((await new Validator().validate(wrong)).valid, false);
});
