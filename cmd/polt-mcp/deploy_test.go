package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// manifestsDir holds the manifests: those of deploy/kubernetes, or what Helm has
// rendered of the chart, which must be as good.
var manifestsDir = flag.String("manifests", filepath.Join("..", "..", "deploy", "kubernetes"), "test the manifests in this `directory`")

// manifests are the objects of a directory, as Kubernetes' own types read them.
type manifests struct {
	Namespace               corev1.Namespace
	Deployment              appsv1.Deployment
	Service                 corev1.Service
	HorizontalPodAutoscaler autoscalingv2.HorizontalPodAutoscaler
	PodDisruptionBudget     policyv1.PodDisruptionBudget
	NetworkPolicy           networkingv1.NetworkPolicy
	Kustomization           struct {
		APIVersion string   `json:"apiVersion"`
		Kind       string   `json:"kind"`
		Namespace  string   `json:"namespace"`
		Resources  []string `json:"resources"`
		Images     []struct {
			Name    string `json:"name"`
			NewName string `json:"newName"`
			NewTag  string `json:"newTag"`
		} `json:"images"`
	}
}

func readManifests(t *testing.T) *manifests {
	t.Helper()
	m := &manifests{}
	type object struct {
		version string
		into    any
	}
	objects := map[string]object{
		"Namespace":               {"v1", &m.Namespace},
		"Deployment":              {"apps/v1", &m.Deployment},
		"Service":                 {"v1", &m.Service},
		"HorizontalPodAutoscaler": {"autoscaling/v2", &m.HorizontalPodAutoscaler},
		"PodDisruptionBudget":     {"policy/v1", &m.PodDisruptionBudget},
		"NetworkPolicy":           {"networking.k8s.io/v1", &m.NetworkPolicy},
		"Kustomization":           {"kustomize.config.k8s.io/v1beta1", &m.Kustomization},
	}
	files, err := filepath.Glob(filepath.Join(*manifestsDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var resources []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(text, &head); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		o, ok := objects[head.Kind]
		if !ok || o.version != head.APIVersion {
			t.Fatalf("%s: an unknown or second %s of %s", file, head.Kind, head.APIVersion)
		}
		delete(objects, head.Kind)
		if bytes.Contains(text, []byte("\n---")) {
			t.Errorf("%s: more than one document, of which only the first is read", file)
		}
		if err := yaml.UnmarshalStrict(text, o.into); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if name := filepath.Base(file); head.Kind != "Kustomization" {
			resources = append(resources, name)
			if name != strings.ToLower(head.Kind)+".yaml" {
				t.Errorf("%s is a %s", name, head.Kind)
			}
		}
	}
	for kind := range objects {
		t.Errorf("there is no %s", kind)
	}
	slices.Sort(resources)
	if listed := slices.Sorted(slices.Values(m.Kustomization.Resources)); !slices.Equal(listed, resources) {
		t.Errorf("the Kustomization lists %v, and there are %v", listed, resources)
	}
	return m
}

// parseHTTP reads arguments as the command itself does, and checks them.
func parseHTTP(t *testing.T, args []string) *httpCommand {
	t.Helper()
	c := &commands{}
	parser, err := newParser(c, &environment{func(string) string { return "" }, nil, io.Discard, io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	if command := parsed.Command(); command != "http" {
		t.Fatalf("%q is %s", args, command)
	}
	if err := c.HTTP.check(); err != nil {
		t.Errorf("%q: %v", args, err)
	}
	return &c.HTTP
}

func portOf(t *testing.T, addr string) int32 {
	t.Helper()
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	if host != "0.0.0.0" && host != "" {
		t.Errorf("%s is not reached from without", addr)
	}
	port, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return int32(port)
}

func TestManifestsAgreeWithTheCommand(t *testing.T) {
	m := readManifests(t)
	pod := m.Deployment.Spec.Template.Spec
	if len(pod.Containers) != 1 {
		t.Fatal("not one container")
	}
	container := pod.Containers[0]
	command := parseHTTP(t, container.Args)
	ports := map[string]int32{}
	for _, p := range container.Ports {
		ports[p.Name] = p.ContainerPort
	}
	want := map[string]int32{"http": portOf(t, command.Addr), "admin": portOf(t, command.AdminAddr)}
	if !maps.Equal(ports, want) {
		t.Errorf("the container has the ports %v, and the command %v", ports, want)
	}
	if command.SSE {
		t.Error("SSE is served, and the Service has no affinity")
	}
	name := m.Service.Name
	for _, host := range []string{name, name + "." + m.Kustomization.Namespace + ".svc.cluster.local"} {
		if !slices.Contains(command.AllowedHost, host) {
			t.Errorf("the Host %s is refused", host)
		}
	}

	grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second
	if need := command.ShutdownDelay + command.Drain; grace <= need {
		t.Errorf("it is killed after %s, and takes up to %s to end", grace, need)
	}
	if command.Drain <= command.Timeout {
		t.Errorf("calls may take %s, and are cut off after %s", command.Timeout, command.Drain)
	}
	if command.ShutdownDelay <= 0 {
		t.Error("it ends before a load balancer can notice")
	}

	known := map[string]bool{"POLT_API_KEY": false} // each caller brings its own
	parser, err := newParser(&commands{}, &environment{func(string) string { return "" }, nil, io.Discard, io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range parser.Model.Children {
		if node.Name == "http" {
			for _, flag := range node.Flags {
				known[variable(flag.Value)] = true
			}
		}
	}
	for _, e := range container.Env {
		if strings.HasPrefix(e.Name, "POLT_") && !known[e.Name] {
			t.Errorf("%s is of no flag", e.Name)
		}
	}
}

func TestManifestsAreProbedWhereTheServerAnswers(t *testing.T) {
	m := readManifests(t)
	container := m.Deployment.Spec.Template.Spec.Containers[0]
	for kind, probe := range map[string]struct {
		*corev1.Probe
		path string
	}{
		"startup":   {container.StartupProbe, "/healthz"},
		"liveness":  {container.LivenessProbe, "/healthz"}, // not what fails when the platform is away
		"readiness": {container.ReadinessProbe, "/readyz"}, // nor is this, so that callers keep getting our errors
	} {
		if probe.Probe == nil || probe.HTTPGet == nil {
			t.Errorf("there is no %s probe", kind)
			continue
		}
		if probe.HTTPGet.Path != probe.path || probe.HTTPGet.Port.String() != "admin" {
			t.Errorf("the %s probe asks %s at %s", kind, probe.HTTPGet.Path, probe.HTTPGet.Port.String())
		}
	}
	annotations := m.Deployment.Spec.Template.Annotations
	if annotations["prometheus.io/path"] != "/metrics" || annotations["prometheus.io/port"] != strconv.Itoa(int(portOf(t, parseHTTP(t, container.Args).AdminAddr))) {
		t.Errorf("Prometheus is told of %v", annotations)
	}
}

func TestManifestsGiveNoPrivileges(t *testing.T) {
	pod := readManifests(t).Deployment.Spec.Template.Spec
	container := pod.Containers[0]
	if s := pod.SecurityContext; s == nil || !isTrue(s.RunAsNonRoot) || s.RunAsUser == nil || *s.RunAsUser == 0 ||
		s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Error("the pod may run as root, or without seccomp")
	}
	if s := container.SecurityContext; s == nil || !isTrue(s.ReadOnlyRootFilesystem) ||
		s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL") {
		t.Error("the container may write, or has privileges to gain")
	}
	if token := pod.AutomountServiceAccountToken; token == nil || *token {
		t.Error("the pod gets a token of the cluster")
	}
	if links := pod.EnableServiceLinks; links == nil || *links {
		t.Error("Kubernetes sets POLT_MCP_* for the Service")
	}
	if len(pod.Volumes) != 0 {
		t.Error("the pod has volumes; it keeps nothing")
	}
	for _, e := range container.Env {
		if e.Value != "" && (strings.Contains(e.Name, "KEY") || strings.Contains(e.Name, "TOKEN")) {
			t.Errorf("%s is in the manifest, not in a Secret", e.Name)
		}
	}
}

// imageName returns an image's name, without its tag and the registry.
func imageName(image string) string {
	name, _, _ := strings.Cut(path.Base(image), ":")
	return name
}

func isTrue(b *bool) bool { return b != nil && *b }

func TestManifestsSayWhatACopyNeeds(t *testing.T) {
	container := readManifests(t).Deployment.Spec.Template.Spec.Containers[0]
	requests, limits := container.Resources.Requests, container.Resources.Limits
	if requests.Cpu().IsZero() || requests.Memory().IsZero() || limits.Memory().Cmp(*requests.Memory()) < 0 {
		t.Errorf("requests %v, limits %v", requests, limits)
	}
	for _, e := range container.Env {
		if e.Name == "GOMEMLIMIT" {
			mib, err := strconv.ParseInt(strings.TrimSuffix(e.Value, "MiB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if share := float64(mib<<20) / limits.Memory().AsApproximateFloat64(); share < 0.7 || share > 0.9 {
				t.Errorf("GOMEMLIMIT is %.2f of the container's memory", share)
			}
			return
		}
	}
	t.Error("Go is not told of the memory limit")
}

func TestManifestsAskForACallerToken(t *testing.T) {
	for _, e := range readManifests(t).Deployment.Spec.Template.Spec.Containers[0].Env {
		if e.Name == "POLT_CALLER_TOKEN" {
			if secret := e.ValueFrom.SecretKeyRef; secret == nil || isTrue(secret.Optional) {
				t.Errorf("it is taken from %+v: without it, strangers may call", e.ValueFrom)
			}
			return
		}
	}
	t.Error("there is no caller token")
}

func TestManifestsBelongTogether(t *testing.T) {
	m := readManifests(t)
	d := m.Deployment
	labels := d.Spec.Template.Labels
	selectors := map[string]map[string]string{
		"Deployment":          d.Spec.Selector.MatchLabels,
		"Service":             m.Service.Spec.Selector,
		"PodDisruptionBudget": m.PodDisruptionBudget.Spec.Selector.MatchLabels,
		"NetworkPolicy":       m.NetworkPolicy.Spec.PodSelector.MatchLabels,
	}
	for _, c := range d.Spec.Template.Spec.TopologySpreadConstraints {
		selectors["spread over "+c.TopologyKey] = c.LabelSelector.MatchLabels
	}
	for of, selector := range selectors {
		if len(selector) == 0 {
			t.Errorf("%s selects everything", of)
		}
		for key, value := range selector {
			if labels[key] != value {
				t.Errorf("%s selects %s=%s, and the pods have %q", of, key, value, labels[key])
			}
		}
	}

	named := map[string]bool{}
	for _, p := range d.Spec.Template.Spec.Containers[0].Ports {
		named[p.Name] = true
	}
	for _, p := range m.Service.Spec.Ports {
		if p.TargetPort.String() != "http" || !named["http"] {
			t.Errorf("the Service leads to the port %s", p.TargetPort.String())
		}
	}
	for _, rule := range m.NetworkPolicy.Spec.Ingress {
		if len(rule.From) == 0 {
			t.Error("everybody may call")
		}
		for _, p := range rule.Ports {
			if !named[p.Port.String()] {
				t.Errorf("the NetworkPolicy opens the port %s", p.Port)
			}
		}
	}

	hpa, pdb := m.HorizontalPodAutoscaler.Spec, m.PodDisruptionBudget.Spec
	if target := hpa.ScaleTargetRef; target.Kind != "Deployment" || target.Name != d.Name || target.APIVersion != d.APIVersion {
		t.Errorf("what is scaled is %v", target)
	}
	if d.Spec.Replicas != nil {
		t.Error("the Deployment and the HorizontalPodAutoscaler both say how many copies there are")
	}
	if hpa.MinReplicas == nil || *hpa.MinReplicas < 2 || hpa.MaxReplicas < *hpa.MinReplicas || len(hpa.Metrics) == 0 {
		t.Errorf("from %v to %d copies, by %d metrics", hpa.MinReplicas, hpa.MaxReplicas, len(hpa.Metrics))
	}
	if pdb.MaxUnavailable.IntValue() >= int(*hpa.MinReplicas) {
		t.Error("all copies may be away at once")
	}
	if r := d.Spec.Strategy.RollingUpdate; r == nil || r.MaxUnavailable.IntValue() != 0 {
		t.Error("an update takes copies away before there are new ones")
	}

	for kind, o := range map[string]interface{ GetNamespace() string }{
		"Deployment": &d, "Service": &m.Service, "HorizontalPodAutoscaler": &m.HorizontalPodAutoscaler,
		"PodDisruptionBudget": &m.PodDisruptionBudget, "NetworkPolicy": &m.NetworkPolicy,
	} {
		if o.GetNamespace() != "" {
			t.Errorf("the %s has a namespace of its own", kind)
		}
	}
	if m.Kustomization.Namespace != m.Namespace.Name {
		t.Errorf("all is in %s, and %s is made", m.Kustomization.Namespace, m.Namespace.Name)
	}
	if images := m.Kustomization.Images; len(images) != 1 || images[0].Name != imageName(d.Spec.Template.Spec.Containers[0].Image) || images[0].NewTag == "latest" {
		t.Errorf("the images are %v", images)
	}
}

func TestManifestsLetCopiesReachThePlatformAndNothingInside(t *testing.T) {
	spec := readManifests(t).NetworkPolicy.Spec
	if !slices.Contains(spec.PolicyTypes, networkingv1.PolicyTypeIngress) || !slices.Contains(spec.PolicyTypes, networkingv1.PolicyTypeEgress) {
		t.Errorf("it is for %v only", spec.PolicyTypes)
	}
	reaches := func(addr string) bool {
		ip := netip.MustParseAddr(addr)
		for _, rule := range spec.Egress {
			for _, to := range rule.To {
				if to.IPBlock != nil && netip.MustParsePrefix(to.IPBlock.CIDR).Contains(ip) &&
					!slices.ContainsFunc(to.IPBlock.Except, func(p string) bool { return netip.MustParsePrefix(p).Contains(ip) }) {
					return true
				}
			}
		}
		return false
	}
	for addr, want := range map[string]bool{
		"203.0.113.7": true, "2001:db8::7": true,
		"169.254.169.254": false, "10.0.0.1": false, "172.20.0.1": false, "192.168.1.1": false, "127.0.0.1": false, "100.64.0.1": false,
		"fd00::1": false, "fe80::1": false, "::1": false,
	} {
		if reaches(addr) != want {
			t.Errorf("%s: %t", addr, !want)
		}
	}
	if !slices.ContainsFunc(spec.Egress, func(rule networkingv1.NetworkPolicyEgressRule) bool {
		return slices.ContainsFunc(rule.Ports, func(p networkingv1.NetworkPolicyPort) bool { return p.Port.IntValue() == 53 })
	}) {
		t.Error("names cannot be resolved")
	}
}

func TestDockerfileAgreesWithTheManifests(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	instruction := func(name string) string {
		all := regexp.MustCompile(`(?m)^`+name+` (.*)$`).FindAllStringSubmatch(string(text), -1)
		if len(all) == 0 {
			t.Fatalf("the Dockerfile has no %s", name)
		}
		return all[len(all)-1][1]
	}
	var args []string
	if err := json.Unmarshal([]byte(instruction("CMD")), &args); err != nil {
		t.Fatal(err)
	}
	command := parseHTTP(t, args)
	pod := readManifests(t).Deployment.Spec.Template.Spec
	theirs := parseHTTP(t, pod.Containers[0].Args)
	if command.Addr != theirs.Addr || command.AdminAddr != theirs.AdminAddr {
		t.Errorf("%s and %s, and in the Deployment %s and %s", command.Addr, command.AdminAddr, theirs.Addr, theirs.AdminAddr)
	}
	if want := strconv.Itoa(int(portOf(t, command.Addr))) + " " + strconv.Itoa(int(portOf(t, command.AdminAddr))); instruction("EXPOSE") != want {
		t.Errorf("EXPOSE %s, not %s", instruction("EXPOSE"), want)
	}
	user := strconv.FormatInt(*pod.SecurityContext.RunAsUser, 10) + ":" + strconv.FormatInt(*pod.SecurityContext.RunAsGroup, 10)
	if instruction("USER") != user {
		t.Errorf("USER %s, and in the Deployment %s", instruction("USER"), user)
	}

	var check []string
	_, list, _ := strings.Cut(instruction("HEALTHCHECK"), "CMD ")
	if err := json.Unmarshal([]byte(list), &check); err != nil {
		t.Fatal(err)
	}
	c := &commands{}
	parser, err := newParser(c, &environment{getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err := parser.Parse(check[1:]); err != nil || parsed.Command() != "doctor" || !c.Doctor.Quick {
		t.Fatalf("the health check is %q: %v", check, err)
	}
	loopback := func(addr string) string { return strings.Replace(addr, "0.0.0.0", "127.0.0.1", 1) }
	if c.Doctor.Addr != loopback(command.Addr) || c.Doctor.AdminAddr != loopback(command.AdminAddr) {
		t.Errorf("the health check asks %s and %s", c.Doctor.Addr, c.Doctor.AdminAddr)
	}
	module, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(module)[1]
	if !regexp.MustCompile(`(?m)^FROM .*\bgolang:` + regexp.QuoteMeta(string(version)) + `\b`).Match(text) {
		t.Errorf("it is not built with Go %s", version)
	}
}
