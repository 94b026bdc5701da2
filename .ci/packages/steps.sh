# shellcheck shell=bash
# The steps of .ci/run that build what a release consists of, and try it. They
# work in a copy, so that the checkout stays as it is.
set -euo pipefail
: "${scratch:?is for .ci/run to set}"

readonly goreleaser=2.17.1
readonly cyclonedx_gomod=1.10.0
readonly helm=4.3.1

# go_tool puts a program on the PATH, built once and kept beside Go's own cache:
# these are large, and to link them takes as long as what they are used for.
go_tool() { # PROGRAM VERSION PACKAGE
	local folder
	folder=$(dirname "$(go env GOCACHE)")/polt-mcp-tools/$1-$2
	[[ -x $folder/$1 ]] || GOBIN=$folder go install "$3@v$2"
	PATH=$folder:$PATH
}

packages_copy() {
	[[ ! -d $scratch/packages ]] || return 0
	mkdir "$scratch/packages"
	tar "${not_source[@]}" -cf - . | tar -xf - -C "$scratch/packages"
}

# The other systems that a release is for: what is compiled only there, tests
# too, which are run there by the workflow.
other_systems() {
	local os
	for os in windows darwin; do
		GOOS=$os CGO_ENABLED=0 go vet ./...
	done
}

# manual checks the man pages in build/.
manual() {
	have groff groff-base
	groff -man -Tutf8 -ww -z build/man/*.1 2>&1 | tee "$scratch/groff"
	[[ ! -s $scratch/groff ]] || fail "the man pages have faults"
}

# service checks that systemd can start the service, which has little to do harm
# with.
service() { # UNIT BINARY
	have systemd-analyze systemd
	mkdir -p "$scratch/unit"
	local unit=$scratch/unit/polt-mcp.service
	sed "s|^ExecStart=/usr/bin/polt-mcp |ExecStart=$2 |" "$1" >"$unit"
	systemd-analyze verify --man=no "$unit"
	systemd-analyze security --offline=true --threshold=20 --no-pager "$unit" | tail -n 1
}

# node_packages makes the npm packages and the bundle of what is in dist/, and
# tries them.
node_packages() {
	have npm nodejs npm
	npm_install .ci/packages npm ci --no-progress --loglevel=error
	node packaging/npm/build.mjs &
	quietly "$scratch/mcpb" node packaging/mcpb/build.mjs "$PWD/.ci/packages/node_modules/.bin/mcpb"
	wait $!
	node packaging/server.mjs
	wc -c dist/npm/*.tgz dist/*.mcpb
	(npm_tests .ci/packages)
}

# What a release consists of, as far as one platform shows it: the rest is built
# by .ci/run packages.
native_packages() {
	packages_copy
	cd "$scratch/packages"
	packaging/native
	local path
	# shellcheck disable=SC2013 # a path is a word
	for path in $(sed -nE 's/.*\b(src|postinstall|preremove|postremove): ([^,} ]+).*/\2/p' .goreleaser.yaml); do
		compgen -G "$path" >/dev/null || fail "a release carries $path, which is missing"
	done
	manual
	service deploy/systemd/polt-mcp.service "$PWD/build/polt-mcp"
	node_packages
}

release() {
	have rpm rpm
	have unzip unzip
	go_tool cyclonedx-gomod $cyclonedx_gomod github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod
	go_tool goreleaser $goreleaser github.com/goreleaser/goreleaser/v2
	packages_copy
	cd "$scratch/packages"
	quietly "$scratch/goreleaser" goreleaser check
	quietly "$scratch/goreleaser" goreleaser release --snapshot --clean
	grep -q DEPRECATED "$scratch/goreleaser" && fail "$(grep DEPRECATED "$scratch/goreleaser")"

	manual
	cd dist
	sha256sum --check --quiet checksums.txt
	local os arch files
	for os in linux darwin windows; do
		for arch in amd64 arm64; do
			if [[ $os == windows ]]; then
				files=$(unzip -Z1 ./*_${os}_$arch.zip)
			else
				files=$(tar -tzf ./*_${os}_$arch.tar.gz)
			fi
			for file in polt-mcp LICENSE README.md man/polt-mcp-http.1 completions/polt-mcp.bash completions/_polt-mcp; do
				grep -q "^$file" <<<"$files" || fail "the archive for $os $arch has no $file"
			done
			grep -q '"name": "github.com/mark3labs/mcp-go"' ./*_${os}_$arch.cdx.json || fail "the SBOM for $os $arch misses a library"
		done
	done
	wc -c ./*.tar.gz ./*.zip ./*.deb ./*.rpm
}

# The packages of Linux, unpacked, and the service in them.
linux_packages() {
	cd "$scratch/packages/dist"
	local deb=$scratch/deb rpm=$scratch/rpm script
	dpkg-deb -x ./*_linux_amd64.deb "$deb"
	dpkg-deb -e ./*_linux_amd64.deb "$deb.control"
	rpm --checksig --nosignature ./*_linux_amd64.rpm
	rpm --root "$rpm" --dbpath /db --install --ignorearch --nodeps --noscripts ./*_linux_amd64.rpm
	for root in "$deb" "$rpm"; do
		[[ $(uname -m) != x86_64 ]] || "$root/usr/bin/polt-mcp" version
		for file in etc/polt-mcp/polt-mcp.env usr/lib/systemd/system/polt-mcp.service usr/share/man/man1/polt-mcp.1.gz \
			usr/share/bash-completion/completions/polt-mcp usr/share/fish/vendor_completions.d/polt-mcp.fish; do
			[[ -f $root/$file ]] || fail "$file is missing"
		done
	done
	grep -qx /etc/polt-mcp/polt-mcp.env "$deb.control/conffiles" || fail "an upgrade would overwrite the settings"
	for script in postinst prerm postrm; do
		sh -n "$deb.control/$script"
	done
	grep -qx /etc/polt-mcp/polt-mcp.env <<<"$(rpm -qcp ./*_linux_amd64.rpm)" || fail "an upgrade would overwrite the settings"

	service "$deb/usr/lib/systemd/system/polt-mcp.service" "$deb/usr/bin/polt-mcp"
}

helm_chart() {
	go_tool helm $helm helm.sh/helm/v4/cmd/helm
	local chart=deploy/helm/polt-mcp rendered=$scratch/chart
	helm lint --strict --quiet $chart
	helm template polt-mcp $chart --namespace polt --output-dir "$rendered" >/dev/null
	cp deploy/kubernetes/{kustomization,namespace}.yaml "$rendered/polt-mcp/templates"
	# What the chart renders is held to what deploy/kubernetes is.
	go test ./cmd/polt-mcp -run Manifests -count=1 -args -manifests "$rendered/polt-mcp/templates"
	local digest
	digest=sha256:$(printf '%064d' 1)
	helm template other $chart --set 'ingress.enabled=true,ingress.hosts={mcp.example.com},metrics.podMonitor.enabled=true' \
		--set autoscaling.enabled=false,server.readOnly=true,image.digest="$digest" >"$rendered/all"
	local line
	for line in 'kind: Ingress' 'kind: PodMonitor' '  replicas: 3' '            - --read-only' '            - --allowed-host=mcp.example.com' \
		'          image: ghcr.io/openpolt/polt-mcp@'"$digest" '                  optional: false'; do
		grep -qxe "$line" "$rendered/all" || fail "the chart does not render: $line"
	done
	! helm template polt-mcp $chart --set server.readonly=true >/dev/null 2>&1 || fail "the chart takes values that it does not have"
}

npm_packages() {
	cd "$scratch/packages"
	node_packages
	local file files
	files=$(unzip -Z1 dist/*.mcpb)
	for file in polt-mcp polt-mcp.exe polt-mcp-linux; do
		grep -qx "server/$file" <<<"$files" || fail "the bundle has no $file"
	done
	[[ $(find dist/npm -name '*.tgz' | wc -l) == 7 ]] || fail "there are not seven npm packages"
}

# Claude Code itself reads the plugin.
plugin() {
	local claude
	claude=$(find -L "$PWD/.ci/e2e/node_modules/@anthropic-ai" -name claude -type f -perm -u+x | head -n 1)
	[[ -n $claude ]] || fail "Claude Code is missing"
	HOME=$scratch quietly "$scratch/plugin" "$claude" plugin validate .
	grep 'Validation passed' "$scratch/plugin"
}
