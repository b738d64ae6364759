// SPDX-License-Identifier: Apache-2.0

package sequential

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"weir.dev/weir/internal/mesh"
)

const alpha = 0.05

// walks is how many courses of requests are tried, and length how many requests each has.
const walks, length = 300, 2000

// wrong is the share of courses in which the evidence ever, at any request, is enough.
func wrong(seed uint64, course func(d *rand.Rand) func() Evidence) float64 {
	d := rand.New(rand.NewPCG(seed, 1))
	hits := 0
	for range walks {
		look := course(d)
		for range length {
			if look().Nats >= Against(alpha) {
				hits++
				break
			}
		}
	}
	return float64(hits) / walks
}

func hit(d *rand.Rand, p float64) float64 {
	if d.Float64() < p {
		return 1
	}
	return 0
}

// TestAnyNumberOfLooks: what holds is refuted in at most one of twenty courses, though each request is looked at.
func TestAnyNumberOfLooks(t *testing.T) {
	for name, course := range map[string]func(d *rand.Rand) func() Evidence{
		"share of 1 % is not above it": func(d *rand.Rand) func() Evidence {
			var c Count
			return func() Evidence { c.All++; c.Hits += hit(d, 0.01); return c.Above(0.01) }
		},
		"share of 5 % is not below it": func(d *rand.Rand) func() Evidence {
			var c Count
			return func() Evidence { c.All++; c.Hits += hit(d, 0.05); return c.Below(0.05) }
		},
		"equal shares": func(d *rand.Rand) func() Evidence {
			var a, b Count
			return func() Evidence {
				a.All++
				a.Hits += hit(d, 0.02)
				for range 3 {
					b.All++
					b.Hits += hit(d, 0.02)
				}
				return Worse(a, b, 0)
			}
		},
		"a share that is more by as much as it may": func(d *rand.Rand) func() Evidence {
			var a, b Count
			return func() Evidence {
				a.All++
				b.All++
				a.Hits += hit(d, 0.05)
				b.Hits += hit(d, 0.02)
				return Worse(a, b, 0.03)
			}
		},
		"a share that is more by five of a hundred": func(d *rand.Rand) func() Evidence {
			var a, b Count
			return func() Evidence {
				a.All++
				b.All += 3
				a.Hits += hit(d, 0.06)
				for range 3 {
					b.Hits += hit(d, 0.01)
				}
				return Better(a, b, 0.05)
			}
		},
		"twice as slow is not quicker than that": func(d *rand.Rand) func() Evidence {
			a, b := newRecorder(), newRecorder()
			n := 0
			return func() Evidence {
				a.add(d.Float64() * 500)
				b.add(d.Float64() * 250)
				if n++; n%50 != 0 {
					return Evidence{Nats: -1}
				}
				return Quicker(Quantile{a.histogram(), 0.9}, Quantile{b.histogram(), 0.9}, 2)
			}
		},
		"a rate of 10/s is not above it": func(d *rand.Rand) func() Evidence {
			var r Rate
			return func() Evidence { r.Events++; r.Seconds += d.ExpFloat64() / 10; return r.Above(10) }
		},
		"a rate of 10/s is not below it": func(d *rand.Rand) func() Evidence {
			var r Rate
			return func() Evidence { r.Events++; r.Seconds += d.ExpFloat64() / 10; return r.Below(10) }
		},
		"equal latencies, whatever the buckets hide": func(d *rand.Rand) func() Evidence {
			a, b := newRecorder(), newRecorder()
			n := 0
			return func() Evidence {
				a.add(102 + d.Float64())
				b.add(98 + d.Float64())
				if n++; n%50 != 0 {
					return Evidence{Nats: -1}
				}
				return SurelySlower(Quantile{a.histogram(), 0.95}, Quantile{b.histogram(), 0.95}, 1.1)
			}
		},
		"equal latencies": func(d *rand.Rand) func() Evidence {
			a, b := newRecorder(), newRecorder()
			n := 0
			return func() Evidence {
				a.add(d.ExpFloat64() * 100)
				b.add(d.ExpFloat64() * 100)
				if n++; n%50 != 0 {
					return Evidence{Nats: -1}
				}
				return Slower(Quantile{a.histogram(), 0.95}, Quantile{b.histogram(), 0.95}, 1)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := wrong(1, course); got > alpha {
				t.Errorf("refuted in %.1f %% of the courses", 100*got)
			} else {
				t.Logf("refuted in %.1f %% of the courses, at most %.0f %% may be", 100*got, 100*alpha)
			}
		})
	}
}

// TestSees: what does not hold is seen, with so many requests at the median.
func TestSees(t *testing.T) {
	const sure = 0.001
	for name, c := range map[string]struct {
		most   int
		course func(d *rand.Rand) func() Evidence
	}{
		"5 % above 1 %": {260, func(d *rand.Rand) func() Evidence {
			var c Count
			return func() Evidence { c.All++; c.Hits += hit(d, 0.05); return c.Above(0.01) }
		}},
		"50 % above 1 %": {12, func(d *rand.Rand) func() Evidence {
			var c Count
			return func() Evidence { c.All++; c.Hits += hit(d, 0.5); return c.Above(0.01) }
		}},
		"1.5 % above 1 %": {9000, func(d *rand.Rand) func() Evidence {
			var c Count
			return func() Evidence { c.All++; c.Hits += hit(d, 0.015); return c.Above(0.01) }
		}},
		"5 % worse than 0.5 % beside": {350, func(d *rand.Rand) func() Evidence {
			var a, b Count
			return func() Evidence {
				a.All++
				a.Hits += hit(d, 0.05)
				b.All += 9
				for range 9 {
					b.Hits += hit(d, 0.005)
				}
				return Worse(a, b, 0)
			}
		}},
		"eight times as slow, whatever the buckets hide": {450, func(d *rand.Rand) func() Evidence {
			a, b := newRecorder(), newRecorder()
			return func() Evidence {
				a.add(d.ExpFloat64() * 800)
				b.add(d.ExpFloat64() * 100)
				return SurelySlower(Quantile{a.histogram(), 0.95}, Quantile{b.histogram(), 0.95}, 1.1)
			}
		}},
		"no more than 5 % worse than 0.1 % beside": {200, func(d *rand.Rand) func() Evidence {
			var a, b Count
			return func() Evidence {
				a.All++
				a.Hits += hit(d, 0.001)
				b.All += 9
				for range 9 {
					b.Hits += hit(d, 0.001)
				}
				return Better(a, b, 0.05)
			}
		}},
		"no more than twice as slow": {300, func(d *rand.Rand) func() Evidence {
			a, b := newRecorder(), newRecorder()
			return func() Evidence {
				a.add(d.ExpFloat64() * 100)
				b.add(d.ExpFloat64() * 100)
				return Quicker(Quantile{a.histogram(), 0.85}, Quantile{b.histogram(), 0.95}, 2)
			}
		}},
		"twice as slow": {600, func(d *rand.Rand) func() Evidence {
			a, b := newRecorder(), newRecorder()
			return func() Evidence {
				a.add(d.ExpFloat64() * 200)
				b.add(d.ExpFloat64() * 100)
				return Slower(Quantile{a.histogram(), 0.95}, Quantile{b.histogram(), 0.95}, 1.1)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			d := rand.New(rand.NewPCG(2, 2))
			var sum float64
			const tries = 20
			for range tries {
				look := c.course(d)
				n := 1
				for ; look().Nats < Against(sure) && n < 10*c.most; n++ {
				}
				sum += float64(n)
			}
			if mean := sum / tries; mean > float64(c.most) {
				t.Errorf("took %.0f requests, want %d at most", mean, c.most)
			} else {
				t.Logf("took %.0f requests", mean)
			}
		})
	}
}

// TestInterval: the true share, and the true quantile, lie within at every look.
func TestInterval(t *testing.T) {
	d := rand.New(rand.NewPCG(3, 3))
	missed := 0
	for range 300 {
		var c Count
		r := newRecorder()
		outside := false
		for i := range 1000 {
			c.All++
			c.Hits += hit(d, 0.03)
			r.add(d.ExpFloat64() * 100)
			if i%100 != 99 {
				continue
			}
			low, high := c.Interval(alpha)
			least, most := Quantile{r.histogram(), 0.9}.Interval(alpha)
			truth := time.Duration(100 * math.Log(10) * float64(time.Millisecond))
			outside = outside || low > 0.03 || high < 0.03 || least > truth || most < truth
		}
		if outside {
			missed++
		}
	}
	if share := float64(missed) / 300; share > 2*alpha {
		t.Errorf("the truth was outside in %.1f %% of the courses", 100*share)
	}
}

func TestEdges(t *testing.T) {
	h := mesh.NewHistogram([]mesh.Bucket{{Upper: time.Second, Count: 10}, {Upper: mesh.Endless, Count: 100}})
	coarse, quicker, quick := all(500*time.Millisecond), all(250*time.Millisecond), all(100*time.Millisecond)
	for name, c := range map[string]struct {
		got  Evidence
		want bool
	}{
		"nothing counted":                                      {Count{}.Above(0.01), false},
		"nothing may fail, one did":                            {Count{1, 1000}.Above(0), true},
		"nothing may fail, none did":                           {Count{0, 1000}.Above(0), false},
		"everything may fail":                                  {Count{1000, 1000}.Above(1), false},
		"all fail":                                             {Count{50, 50}.Above(0.01), true},
		"all fail beside all fail":                             {Worse(Count{50, 50}, Count{500, 500}, 0), false},
		"all fail beside none":                                 {Worse(Count{50, 50}, Count{0, 500}, 0), true},
		"all fail beside none, and may":                        {Worse(Count{50, 50}, Count{0, 500}, 1), false},
		"none fail beside all":                                 {Worse(Count{0, 50}, Count{500, 500}, 0), false},
		"no better than nothing":                               {Better(Count{0, 500}, Count{}, 0.05), false},
		"no more fail, after a few requests":                   {Better(Count{0, 50}, Count{0, 500}, 0.05), false},
		"no more fail, after many":                             {Better(Count{0, 500}, Count{0, 500}, 0.05), true},
		"five more of a hundred fail":                          {Better(Count{25, 500}, Count{0, 500}, 0.05), false},
		"all fail, as beside, and no more can":                 {Better(Count{50, 50}, Count{500, 500}, 1), true},
		"all fail, as beside":                                  {Better(Count{500, 500}, Count{500, 500}, 0.05), true},
		"all fail, where none does beside":                     {Better(Count{50, 50}, Count{0, 500}, 0.99), false},
		"not quicker than nothing":                             {Quicker(Quantile{coarse, 0.95}, Quantile{nil, 0.95}, 2), false},
		"as quick, in the same bucket":                         {Quicker(Quantile{coarse, 0.85}, Quantile{coarse, 0.95}, 1.5), true},
		"five times as slow is not quicker":                    {Quicker(Quantile{coarse, 0.85}, Quantile{quick, 0.95}, 1.5), false},
		"nothing beside":                                       {Worse(Count{5, 50}, Count{}, 0), false},
		"no time":                                              {Rate{5, 0}.Above(1), false},
		"no events are below a rate":                           {Rate{0, 100}.Below(1), true},
		"no events are not above nothing":                      {Rate{0, 100}.Above(0), false},
		"one event is above nothing":                           {Rate{1, 100}.Above(0), true},
		"no histogram":                                         {Quantile{nil, 0.95}.Above(time.Second), false},
		"slower than it may be, if requests are spread":        {Quantile{coarse, 0.95}.Above(300 * time.Millisecond), true},
		"surely slower only beyond the bucket":                 {Quantile{coarse, 0.95}.SurelyAbove(300 * time.Millisecond), false},
		"surely slower at the border":                          {Quantile{coarse, 0.95}.SurelyAbove(250 * time.Millisecond), true},
		"not surely below within the bucket":                   {Quantile{coarse, 0.5}.SurelyBelow(400 * time.Millisecond), false},
		"surely below at the border":                           {Quantile{coarse, 0.5}.SurelyBelow(500 * time.Millisecond), true},
		"the next bucket may be a hair slower":                 {SurelySlower(Quantile{coarse, 0.95}, Quantile{quicker, 0.95}, 1.1), false},
		"two buckets further is slower":                        {SurelySlower(Quantile{coarse, 0.95}, Quantile{quick, 0.95}, 1.1), true},
		"two buckets further, which is within what is allowed": {SurelySlower(Quantile{coarse, 0.95}, Quantile{quick, 0.95}, 6), false},
		"surely slower than nothing":                           {SurelySlower(Quantile{coarse, 0.95}, Quantile{nil, 0.95}, 1), false},
		"beyond the last bound nothing is known":               {Quantile{h, 0.95}.Above(2 * time.Second), false},
		"within it something is":                               {Quantile{h, 0.95}.Above(time.Second / 2), true},
		"no histogram beside":                                  {Slower(Quantile{h, 0.95}, Quantile{nil, 0.95}, 1), false},
		"the same histogram beside":                            {Slower(Quantile{h, 0.95}, Quantile{h, 0.95}, 1), false},
	} {
		if math.IsNaN(c.got.Nats) || math.IsNaN(c.got.Gain) {
			t.Errorf("%s: %+v", name, c.got)
		}
		if got := c.got.Nats >= Against(0.001); got != c.want {
			t.Errorf("%s: want %t, got %+v", name, c.want, c.got)
		}
	}
}

// all is a histogram of a thousand requests that took up to this bound, and longer than the one before.
func all(upper time.Duration) mesh.Histogram {
	var out []mesh.Bucket
	for _, ms := range bounds {
		b := mesh.Bucket{Upper: time.Duration(ms * float64(time.Millisecond))}
		if b.Upper >= upper {
			b.Count = 1000
		}
		out = append(out, b)
	}
	return mesh.NewHistogram(append(out, mesh.Bucket{Upper: mesh.Endless, Count: 1000}))
}

// recorder counts times as Istio's proxies do.
type recorder struct{ counts []float64 }

// bounds of Istio's buckets, in milliseconds.
var bounds = []float64{0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000}

func newRecorder() *recorder { return &recorder{make([]float64, len(bounds)+1)} }

func (r *recorder) add(ms float64) {
	i := 0
	for ; i < len(bounds) && ms > bounds[i]; i++ {
	}
	r.counts[i]++
}

func (r *recorder) histogram() mesh.Histogram {
	var out []mesh.Bucket
	sum := 0.0
	for i, n := range r.counts {
		sum += n
		upper := mesh.Endless
		if i < len(bounds) {
			upper = time.Duration(bounds[i] * float64(time.Millisecond))
		}
		out = append(out, mesh.Bucket{Upper: upper, Count: sum})
	}
	return mesh.NewHistogram(out)
}
