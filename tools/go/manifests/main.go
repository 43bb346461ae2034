// strict-manifests reads objects of Kubernetes from standard input, one JSON object a line, into the
// types of their API, and tells of every field that these do not have.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	route "github.com/openshift/api/route/v1"
	template "github.com/openshift/api/template/v1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What a ClowdApp takes over from Kubernetes, as a test puts it together.
type podParts struct {
	meta.TypeMeta
	Env                           []core.EnvVar
	Resources                     core.ResourceRequirements
	ReadinessProbe, LivenessProbe *core.Probe
	Volumes                       []core.Volume
	VolumeMounts                  []core.VolumeMount
}

var kinds = map[string]func() any{
	"v1/ConfigMap":                               func() any { return &core.ConfigMap{} },
	"v1/PersistentVolumeClaim":                   func() any { return &core.PersistentVolumeClaim{} },
	"v1/Secret":                                  func() any { return &core.Secret{} },
	"v1/Service":                                 func() any { return &core.Service{} },
	"v1/ServiceAccount":                          func() any { return &core.ServiceAccount{} },
	"apps/v1/Deployment":                         func() any { return &apps.Deployment{} },
	"batch/v1/CronJob":                           func() any { return &batch.CronJob{} },
	"batch/v1/Job":                               func() any { return &batch.Job{} },
	"networking.k8s.io/v1/Ingress":               func() any { return &networking.Ingress{} },
	"networking.k8s.io/v1/NetworkPolicy":         func() any { return &networking.NetworkPolicy{} },
	"policy/v1/PodDisruptionBudget":              func() any { return &policy.PodDisruptionBudget{} },
	"rbac.authorization.k8s.io/v1/Role":          func() any { return &rbac.Role{} },
	"rbac.authorization.k8s.io/v1/RoleBinding":   func() any { return &rbac.RoleBinding{} },
	"keda.sh/v1alpha1/ScaledObject":              func() any { return &keda.ScaledObject{} },
	"monitoring.coreos.com/v1/PodMonitor":        func() any { return &monitoring.PodMonitor{} },
	"monitoring.coreos.com/v1/PrometheusRule":    func() any { return &monitoring.PrometheusRule{} },
	"route.openshift.io/v1/Route":                func() any { return &route.Route{} },
	"template.openshift.io/v1/Template":          func() any { return &template.Template{} },
	"test/PodParts":                              func() any { return &podParts{} },
}

func check(line []byte) error {
	var named struct{ APIVersion, Kind string }
	if err := json.Unmarshal(line, &named); err != nil {
		return err
	}
	make, known := kinds[named.APIVersion+"/"+named.Kind]
	if !known {
		return fmt.Errorf("no type of %s/%s", named.APIVersion, named.Kind)
	}
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(make()); err != nil {
		return fmt.Errorf("%s: %w", named.Kind, err)
	}
	return nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	status := 0
	for number := 1; lines.Scan(); number++ {
		if err := check(lines.Bytes()); err != nil {
			fmt.Printf("%d: %v\n", number, err)
			status = 1
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Println(err)
		status = 1
	}
	os.Exit(status)
}
