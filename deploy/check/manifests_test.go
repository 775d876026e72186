// Package check reads the Kubernetes manifests as the API server does, by the types of k8s.io/api. It is a module of its
// own, so that nobody who imports Gatehouse's guard depends on Kubernetes.
package check

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// manifests are all objects of deploy/kubernetes, one of each kind.
type manifests struct {
	config     corev1.ConfigMap
	deployment appsv1.Deployment
	service    corev1.Service
	budget     policyv1.PodDisruptionBudget
	scaler     autoscalingv2.HorizontalPodAutoscaler
	network    networkingv1.NetworkPolicy
	job        batchv1.Job
}

// decode reads one object, strictly: a field that its kind does not have is an error.
func (m *manifests) decode(text []byte) error {
	var head metav1.TypeMeta
	if err := yaml.Unmarshal(text, &head); err != nil {
		return err
	}
	into := map[string]any{
		"v1 ConfigMap": &m.config, "apps/v1 Deployment": &m.deployment, "v1 Service": &m.service,
		"policy/v1 PodDisruptionBudget": &m.budget, "autoscaling/v2 HorizontalPodAutoscaler": &m.scaler,
		"networking.k8s.io/v1 NetworkPolicy": &m.network, "batch/v1 Job": &m.job,
	}[head.APIVersion+" "+head.Kind]
	if into == nil {
		return fmt.Errorf("%s %s is not known here", head.APIVersion, head.Kind)
	}
	return yaml.UnmarshalStrict(text, into)
}

func read(t *testing.T) (m manifests) {
	t.Helper()
	files, _ := filepath.Glob("../kubernetes/*.yaml")
	jobs, _ := filepath.Glob("../kubernetes/*/*.yaml")
	for _, file := range append(files, jobs...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range bytes.Split(text, []byte("\n---\n")) {
			if err := m.decode(object); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	return m
}

func (m *manifests) pods() map[string]corev1.PodSpec {
	return map[string]corev1.PodSpec{"Deployment": m.deployment.Spec.Template.Spec, "Job": m.job.Spec.Template.Spec}
}

func TestManifests_FieldThatNoKindHasIsRefused(t *testing.T) {
	text, err := os.ReadFile("../kubernetes/migrate/job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, right := range []string{"readOnlyRootFilesystem", "ttlSecondsAfterFinished", "secretKeyRef", "batch/v1"} {
		wrong := bytes.Replace(text, []byte(right), []byte(right+"x"), 1)
		if err := new(manifests).decode(wrong); err == nil {
			t.Errorf("%sx is accepted", right)
		}
	}
}

// TestManifests_PodsHaveNoRightThatTheyDoNotNeed is the profile "restricted" of Pod Security Standards, and more.
func TestManifests_PodsHaveNoRightThatTheyDoNotNeed(t *testing.T) {
	m := read(t)
	for name, pod := range m.pods() {
		is := func(what string, ok bool) {
			if !ok {
				t.Errorf("%s: not so: %s", name, what)
			}
		}
		yes := func(b *bool) bool { return b != nil && *b }
		no := func(b *bool) bool { return b != nil && !*b }
		s, c := pod.SecurityContext, pod.Containers[0]
		is("no token of the API server", no(pod.AutomountServiceAccountToken))
		is("no injected variables", no(pod.EnableServiceLinks))
		is("not root", yes(s.RunAsNonRoot) && *s.RunAsUser > 0 && *s.FSGroup > 0)
		is("seccomp", s.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault)
		is("one container, on its own network", len(pod.Containers) == 1 && !pod.HostNetwork && !pod.HostPID && !pod.HostIPC)
		is("no privileges", no(c.SecurityContext.AllowPrivilegeEscalation) && c.SecurityContext.Privileged == nil)
		is("a root that cannot be written", yes(c.SecurityContext.ReadOnlyRootFilesystem))
		is("no capability", slices.Equal(c.SecurityContext.Capabilities.Drop, []corev1.Capability{"ALL"}) &&
			len(c.SecurityContext.Capabilities.Add) == 0)
		for _, r := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			request, limit := c.Resources.Requests[r], c.Resources.Limits[r]
			is(string(r)+" bounded", !request.IsZero() && request.Cmp(limit) <= 0)
		}
		is("secrets that others may not read", len(pod.Volumes) == 1 && *pod.Volumes[0].Secret.DefaultMode == 0o440)
		is("a mount that cannot be written", c.VolumeMounts[0].ReadOnly && c.VolumeMounts[0].Name == pod.Volumes[0].Name)
	}
}

func TestManifests_FitTogether(t *testing.T) {
	m := read(t)
	d := m.deployment
	pod := labels.Set(d.Spec.Template.Labels)
	network := m.network.Spec.PodSelector
	for name, s := range map[string]*metav1.LabelSelector{
		"Deployment": d.Spec.Selector, "PodDisruptionBudget": m.budget.Spec.Selector, "NetworkPolicy": &network,
		"Service": metav1.SetAsLabelSelector(m.service.Spec.Selector),
	} {
		selector, err := metav1.LabelSelectorAsSelector(s)
		if err != nil || selector.Empty() || !selector.Matches(pod) {
			t.Errorf("%s selects %v, not the pods (%v)", name, s, err)
		}
	}
	c := d.Spec.Template.Spec.Containers[0]
	ports := map[string]int32{}
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
		if !strings.HasSuffix(m.config.Data["GATEHOUSE_ADDR"], fmt.Sprint(":", p.ContainerPort)) &&
			!strings.HasSuffix(m.config.Data["GATEHOUSE_OPS_ADDR"], fmt.Sprint(":", p.ContainerPort)) {
			t.Errorf("nothing listens on port %d", p.ContainerPort)
		}
		if !slices.ContainsFunc(m.network.Spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool {
			return r.Ports[0].Port.IntVal == p.ContainerPort
		}) {
			t.Errorf("nobody may connect to port %d", p.ContainerPort)
		}
	}
	for path, probe := range map[string][]*corev1.Probe{
		"/readyz": {c.StartupProbe, c.ReadinessProbe}, "/healthz": {c.LivenessProbe},
	} {
		for _, p := range probe {
			if p.HTTPGet.Path != path || ports[p.HTTPGet.Port.StrVal] == 0 {
				t.Errorf("a probe asks %s at port %s", p.HTTPGet.Path, p.HTTPGet.Port.StrVal)
			}
		}
	}
	if ports[m.service.Spec.Ports[0].TargetPort.StrVal] == 0 || m.scaler.Spec.ScaleTargetRef.Name != d.Name ||
		m.scaler.Spec.ScaleTargetRef.Kind != d.Kind || m.budget.Spec.MinAvailable.IntVal >= *m.scaler.Spec.MinReplicas {
		t.Error("the Service, the autoscaler or the disruption budget does not fit the Deployment")
	}
}

// TestManifests_VariablesExist: an unknown variable stops the start.
func TestManifests_VariablesExist(t *testing.T) {
	known, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	m := read(t)
	var names []string
	for name := range m.config.Data {
		names = append(names, name)
	}
	for _, pod := range m.pods() {
		for _, v := range pod.Containers[0].Env {
			names = append(names, v.Name)
		}
		for _, from := range pod.Containers[0].EnvFrom {
			if from.ConfigMapRef.Name != m.config.Name {
				t.Errorf("there is no ConfigMap %s", from.ConfigMapRef.Name)
			}
		}
	}
	for _, name := range names {
		if !regexp.MustCompile("(?m)^\\| `" + name + "` ").Match(known) {
			t.Errorf("docs/configuration.md has no %s", name)
		}
	}
}
