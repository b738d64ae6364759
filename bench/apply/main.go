// SPDX-License-Identifier: Apache-2.0

// Command apply measures how long it takes from the apply of Bookinfo until it serves; see bench/apply.sh.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	api "weir.dev/weir/api/v1alpha1"
	"weir.dev/weir/cluster"
	"weir.dev/weir/cluster/state"
	"weir.dev/weir/internal/kube"
)

const (
	// namespace of weir demo, whose Bookinfo has to go: of two at one gateway the older would answer.
	namespace = "bookinfo"
	// pods that Bookinfo has.
	pods = 5
	// patience with one run.
	patience = 3 * time.Minute
)

// bench is a cluster with Weir and the images of Bookinfo.
type bench struct {
	client                client.Client
	page                  string
	strategy, application []byte
}

func main() {
	name := flag.String("name", cluster.DefaultName, "local cluster with Weir and the images of Bookinfo, as weir demo leaves it")
	root := flag.String("state-dir", state.DefaultRoot, "folder of all clusters' state")
	folder := flag.String("manifest", "", "folder with application.yaml and strategy.yaml of Bookinfo")
	runs := flag.Int("runs", 5, "how often to measure")
	flag.Parse()
	info, err := cluster.Find(cluster.Ref{Name: *name, Root: *root})
	if err != nil {
		log.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", info.Kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	config.QPS = -1
	c, err := client.New(config, client.Options{Scheme: kube.Scheme()})
	if err != nil {
		log.Fatal(err)
	}
	b := bench{client: c, page: info.GatewayURL + "/productpage"}
	if b.strategy, err = os.ReadFile(filepath.Join(*folder, "strategy.yaml")); err == nil {
		b.application, err = os.ReadFile(filepath.Join(*folder, "application.yaml"))
	}
	if err != nil {
		log.Fatal(err)
	}
	if err := b.clean(); err != nil {
		log.Fatal(err)
	}
	var ready, page []float64
	for i := range *runs {
		one, err := b.measure()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("run %d: all pods 2/2 after %.1f s, the page after %.1f s\n", i+1, one.ready, one.page)
		ready, page = append(ready, one.ready), append(page, one.page)
	}
	fmt.Printf("median: all pods 2/2 after %.1f s, the page after %.1f s\n", median(ready), median(page))
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// figures of one run, in seconds.
type figures struct{ ready, page float64 }

func (b bench) measure() (out figures, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	defer func() { err = errors.Join(err, b.clean()) }()
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{"istio-injection": "enabled"}}}
	if err := b.client.Create(ctx, space); err != nil {
		return out, err
	}
	begin := time.Now()
	for _, o := range []struct {
		text []byte
		obj  client.Object
	}{{b.strategy, &api.Strategy{}}, {b.application, &api.Application{}}} {
		if err := yaml.UnmarshalStrict(o.text, o.obj); err != nil {
			return out, err
		}
		o.obj.SetNamespace(namespace)
		if err := b.client.Create(ctx, o.obj); err != nil {
			return out, err
		}
	}
	for out.ready == 0 || out.page == 0 {
		if out.ready == 0 && b.allReady(ctx) {
			out.ready = time.Since(begin).Seconds()
		}
		if out.page == 0 && b.serves(ctx) {
			out.page = time.Since(begin).Seconds()
		}
		select {
		case <-ctx.Done():
			return out, fmt.Errorf("after %s: %w", patience, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return out, nil
}

// allReady tells whether every pod is ready, its sidecar included.
func (b bench) allReady(ctx context.Context) bool {
	var list corev1.PodList
	if err := b.client.List(ctx, &list, client.InNamespace(namespace)); err != nil || len(list.Items) != pods {
		return false
	}
	return !slices.ContainsFunc(list.Items, func(p corev1.Pod) bool { return !kube.PodReady(&p, true) })
}

// serves tells whether the page is whole, with what the other services have to say.
func (b bench) serves(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.page, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return err == nil && response.StatusCode == http.StatusOK && !strings.Contains(string(text), "Sorry, ")
}

// clean removes all of it, so that the next run begins with nothing.
func (b bench) clean() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.client.DeleteAllOf(ctx, &api.Application{}, client.InNamespace(namespace)); err != nil {
		return err
	}
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := b.client.Delete(ctx, space); err != nil {
		return client.IgnoreNotFound(err)
	}
	for {
		if err := b.client.Get(ctx, client.ObjectKeyFromObject(space), space); err != nil {
			return client.IgnoreNotFound(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
