// SPDX-License-Identifier: Apache-2.0

// Package apiserver gives tests a real kube-apiserver with Weir's and Istio's kinds, without a node.
package apiserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"weir.dev/weir/cluster/part"
)

// Start runs a kube-apiserver and its etcd on loopback. The caller calls stop when it is done. The parts are built if
// the cache does not hold them.
func Start(ctx context.Context) (config *rest.Config, stop func() error, err error) {
	set, err := part.Ensure(ctx, part.Options{Only: []string{"kubernetes", "charts"}})
	if err != nil {
		return nil, nil, fmt.Errorf("parts: %w", err)
	}
	environment := &envtest.Environment{
		BinaryAssetsDirectory: filepath.Dir(set.Binary("kube-apiserver")),
		CRDDirectoryPaths:     []string{filepath.Join(root(), "deploy", "chart", "crds"), filepath.Join(set.Dir, "crds")},
		ErrorIfCRDPathMissing: true,
		// The default of 20 s is short for a machine that does other work as well.
		ControlPlaneStartTimeout: 2 * time.Minute,
		ControlPlaneStopTimeout:  time.Minute,
	}
	// The default has addresses for 254 Services.
	environment.ControlPlane.GetAPIServer().Configure().Set("service-cluster-ip-range", "10.96.0.0/12")
	defer collectRarely()()
	config, err = environment.Start()
	if err != nil {
		// It may have started, and refused the kinds.
		return nil, nil, fmt.Errorf("start the API server: %w", errors.Join(err, environment.Stop()))
	}
	return config, environment.Stop, nil
}

// collectRarely lets what is started from now on, until again is called, collect garbage less often than it would: a quarter
// of an API server's time goes into that, and there is more memory than time.
func collectRarely() (again func()) {
	const name = "GOGC"
	before, was := os.LookupEnv(name)
	_ = os.Setenv(name, "400") // a name that is none cannot be here
	return func() {
		_ = os.Unsetenv(name)
		if was {
			_ = os.Setenv(name, before)
		}
	}
}

// root is the folder of the module, found by where this file was compiled from.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}
