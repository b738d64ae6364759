// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	corev1 "k8s.io/api/core/v1"

	api "weir.dev/weir/api/v1alpha1"
)

const (
	// firstWait is how long after a repair the next may begin; it doubles with each that did not help, up to longestWait.
	firstWait   = 10 * time.Second
	longestWait = 10 * time.Minute
	// enough repairs that did not help are tried before a person is asked.
	enough = 5
	// again is when to look again at what may change without an event.
	again = 15 * time.Second
	// young is how long a new pod may take to become ready before it holds up no repair any more.
	young = 5 * time.Minute
)

// Seen is what is known of the pods of one component that are to be in the mesh.
type Seen struct {
	Application, Component string
	Namespace              string
	// Kind of the workload; a StatefulSet cannot have a pod more for a while.
	Kind api.Kind
	// Owned is false when the workloads are somebody else's.
	Owned bool
	// Pods that are not ending, how many are, and how many there should be.
	Pods   []corev1.Pod
	Ending int
	Wanted int
	// Lacking tells of each pod whether it is without its sidecar.
	Lacking func(*corev1.Pod) bool
	// Injector that would be asked; nil when there is none, and Why then says why.
	Injector *Injector
	Why      string
	// Answering is true when an istiod of the injector is ready.
	Answering bool
	// Trial is what came of asking the API server for a pod alike, without making it: empty when it would get a sidecar.
	Trial string
	// Tried tells whether that was asked.
	Tried bool
	// Before is what was done for the component so far; nil when nothing was.
	Before *api.InjectionRepair
}

// Action is what is to be done.
type Action string

const (
	// Nothing is to be done: every pod has its sidecar.
	Nothing Action = ""
	// Wait until something changes, or for a while.
	Wait Action = "Wait"
	// Try asks the API server whether a pod alike would get a sidecar, and decides again.
	Try Action = "Try"
	// Evict one pod, so that its workload makes another.
	Evict Action = "Evict"
	// Restart the workload, which starts another pod before it ends the one it has.
	Restart Action = "Restart"
	// Ask a person: no repair would help, or it would cost requests.
	Ask Action = "Ask"
)

// Decision is what is to be done, and the words for it.
type Decision struct {
	Action Action
	// Pod that lacks its sidecar, and is meant.
	Pod string
	// Message says what is wrong and what happens; empty when nothing is.
	Message string
	// Again is when to look again at the latest; zero when the next change tells.
	Again time.Duration
}

// Decide returns the next careful step: one pod of a component at a time, only when another would come up better, and never
// the last that answers.
func Decide(now time.Time, s Seen) Decision {
	lacking := s.lacking()
	if len(lacking) == 0 {
		return Decision{}
	}
	pod := lacking[0]
	d := Decision{Pod: pod.Name}
	say := func(action Action, after time.Duration, format string, args ...any) Decision {
		d.Action, d.Again = action, after
		d.Message = fmt.Sprintf("%s: %s came up without a sidecar (%s)",
			s.Component, english.Plural(len(lacking), "pod", ""), strings.Join(names(lacking), ", "))
		d.Message += "; " + fmt.Sprintf(format, args...)
		return d
	}
	wait := s.backoff()
	switch {
	case !s.Owned:
		return say(Ask, 0, "their workload is not Weir's to restart: kubectl -n %s delete pod %s, when it suits", s.Namespace, pod.Name)
	case s.Injector == nil:
		return say(Ask, again, "%s", s.Why)
	case !s.Answering:
		return say(Wait, again, "istiod (%s) is not ready to inject; they are restarted when it is", s.Injector.Service)
	case s.inVain() >= enough:
		return say(Ask, longestWait, "%d restarts did not help; look at the log of istiod, then kubectl -n %s delete pod %s", s.inVain(),
			s.Namespace, pod.Name)
	case s.Ending > 0:
		return say(Wait, again, "the one restarted before is still ending")
	case len(s.Pods) < s.Wanted:
		return say(Wait, again, "the one that takes the place of one restarted is not there yet")
	case len(s.rising(now)) > 0:
		return say(Wait, again, "%s has to be ready before the next is restarted", s.rising(now)[0])
	case wait > 0 && now.Sub(s.Before.At.Time) < wait:
		return say(Wait, wait-now.Sub(s.Before.At.Time), "the next is restarted %s after the one before", wait)
	case !s.Tried:
		return say(Try, 0, "whether a new pod would get one is being asked")
	case s.Trial != "":
		return say(Ask, again, "a new pod would get none either: %s", s.Trial)
	case ready(pod) && s.ready() == 1 && s.Kind == api.StatefulSet:
		return say(Ask, 0, "it is the only one that answers, so a restart would cost requests: kubectl -n %s delete pod %s, when it suits",
			s.Namespace, pod.Name)
	case ready(pod) && s.ready() == 1:
		return say(Restart, again, "another is started before it ends")
	default:
		return say(Evict, again, "%s is restarted", pod.Name)
	}
}

// lacking are the pods without their sidecar, those that are not ready first, since they cost nothing.
func (s Seen) lacking() []*corev1.Pod {
	var out []*corev1.Pod
	for i := range s.Pods {
		if s.Lacking(&s.Pods[i]) {
			out = append(out, &s.Pods[i])
		}
	}
	slices.SortStableFunc(out, func(a, b *corev1.Pod) int {
		if ready(a) != ready(b) {
			return map[bool]int{true: 1, false: -1}[ready(a)]
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

// rising are young pods with a sidecar that are not ready yet.
func (s Seen) rising(now time.Time) []string {
	var out []string
	for i := range s.Pods {
		p := &s.Pods[i]
		if !s.Lacking(p) && !ready(p) && now.Sub(p.CreationTimestamp.Time) < young {
			out = append(out, p.Name)
		}
	}
	slices.Sort(out)
	return out
}

func (s Seen) ready() int {
	n := 0
	for i := range s.Pods {
		if ready(&s.Pods[i]) {
			n++
		}
	}
	return n
}

func ready(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

func names(pods []*corev1.Pod) []string {
	const most = 3
	var out []string
	for i, p := range pods {
		if i == most {
			return append(out, "…")
		}
		out = append(out, p.Name)
	}
	return out
}

// inVain counts the repairs in a row that did not help: no pod with a sidecar has come up since the last.
func (s Seen) inVain() int32 {
	if s.Before == nil {
		return 0
	}
	since := s.Before.At.Truncate(time.Second) // as pods know their birth
	for i := range s.Pods {
		if p := &s.Pods[i]; !s.Lacking(p) && !p.CreationTimestamp.Time.Before(since) {
			return 0
		}
	}
	return s.Before.Attempts
}

// backoff is how long after the last repair the next may begin.
func (s Seen) backoff() time.Duration {
	n := s.inVain()
	if n == 0 {
		return 0
	}
	return min(longestWait, firstWait<<min(n-1, 10))
}

// After is the account of repairs after one more. A repair that comes long after the last is the first of a new row.
func After(now time.Time, s Seen) api.InjectionRepair {
	out := api.InjectionRepair{Component: s.Component, Attempts: 1}
	if s.Before != nil && now.Sub(s.Before.At.Time) < 2*longestWait {
		out.Attempts += s.inVain()
	}
	out.At.Time = now
	return out
}
