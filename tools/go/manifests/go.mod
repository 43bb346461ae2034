module deckle.example/manifests

go 1.26.0

require (
	github.com/kedacore/keda/v2 v2.21.0
	github.com/openshift/api v3.9.0+incompatible
	github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring v0.92.1
	k8s.io/api v0.36.4
	k8s.io/apimachinery v0.36.4
)
