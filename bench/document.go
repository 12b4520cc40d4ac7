package bench

import (
	"time"

	"github.com/spacewasm/spacewasm/bench/record"
)

// buckets is how many a histogram has.
const buckets = 24

func (s *Sample) figures() record.Figures {
	return record.Figures{
		Count: s.Count(), P50: s.Quantile(0.5), P90: s.Quantile(0.9), P99: s.Quantile(0.99), Max: s.Quantile(1),
		Histogram: s.Histogram(buckets),
	}
}

func (l *Load) figures() *record.LoadFigure {
	if l == nil {
		return nil
	}
	return &record.LoadFigure{Rate: l.Rate, Achieved: l.Achieved, Due: l.Due, Failed: l.Failed, Unsent: l.Unsent, Took: l.Took.figures()}
}

// NewDocument sums results up. Of two, the second is what the first is compared with.
func NewDocument(version string, results []*Result) *record.Document {
	d := &record.Document{Version: version, When: time.Now().UTC().Truncate(time.Second), Machine: record.ThisMachine()}
	for _, r := range results {
		m := record.Module{
			Name: r.Name, Bytes: r.Bytes, Contract: r.Contract, NoSnapshot: r.Snapshot,
			Load: r.Load.figures(), LoadStock: r.LoadStock.figures(),
		}
		for _, s := range r.Stages {
			f := record.StageFigure{Name: s.Name, What: s.What, Ours: s.Ours.figures()}
			if s.Stock.Count() > 0 {
				stock := s.Stock.figures()
				f.Stock, f.Ratio = &stock, float64(stock.P50)/float64(max(f.Ours.P50, 1))
			}
			m.Stages = append(m.Stages, f)
		}
		d.Modules = append(d.Modules, m)
	}
	if len(results) == 2 {
		for i, s := range results[0].Stages {
			d.Comparison = append(d.Comparison, record.Against{Stage: s.Name, Verdict: Compare(&s.Ours, &results[1].Stages[i].Ours)})
		}
	}
	return d
}
