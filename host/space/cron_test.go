package space_test

import (
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
)

// cronTable are cron expressions, one a line. Where robfig/cron, which knows no Sunday
// of 7, has to be asked in other words, these follow behind an arrow.
const cronTable = `
* * * * *
*/1 * * * *
*/2 * * * *
*/5 * * * *
*/7 * * * *
*/10 * * * *
*/15 * * * *
*/29 * * * *
*/30 * * * *
*/45 * * * *
*/59 * * * *
0/1 * * * *
0/5 * * * *
0/15 * * * *
1/10 * * * *
3/20 * * * *
7/7 * * * *
30/10 * * * *
58/2 * * * *
59/30 * * * *
0 * * * *
1 * * * *
30 * * * *
59 * * * *
00 * * * *
05 * * * *
0,30 * * * *
0,15,30,45 * * * *
5,4,3,2,1 * * * *
7,7,7 * * * *
0-5 * * * *
10-10 * * * *
10-20/2 * * * *
10-20/3 * * * *
0-59 * * * *
0-59/59 * * * *
50-59/4 * * * *
10-20,40-50 * * * *
0-10/5,30,40/7 * * * *
*/20,7 * * * *
*,5 * * * *
0 0 * * *
0 1 * * *
0 12 * * *
0 23 * * *
59 23 * * *
1 0 * * *
30 9 * * *
15 14 * * *
05 09 * * *
0 9,17 * * *
0 9-17 * * *
*/15 9-17 * * *
0 9-17/2 * * *
0 9-17/8 * * *
0 0-23 * * *
0 */2 * * *
0 */3 * * *
0 */5 * * *
0 */6 * * *
0 */12 * * *
0 */23 * * *
0 0/6 * * *
0 1/6 * * *
0 5/7 * * *
0 22/2 * * *
30 1,2,3 * * *
0 0,12,23 * * *
*/10 0 * * *
* 4 * * *
59 * * * *
5/25 3/9 * * *
0 0 1 * *
0 0 2 * *
0 0 15 * *
0 0 28 * *
0 0 29 * *
0 0 30 * *
0 0 31 * *
59 23 31 * *
0 0 1,15 * *
0 0 1-7 * *
0 0 25-31 * *
0 0 28-31 * *
0 0 29-31/2 * *
0 0 */2 * *
0 0 */10 * *
0 0 */15 * *
0 0 */30 * *
0 0 */31 * *
0 0 1/10 * *
0 0 5/5 * *
0 0 31/5 * *
0 0 1/30 * *
0 12 10,20,30 * *
* * 13 * *
*/30 * 29-31 * *
0 6 1-31 * *
0 6 1-31/7 * *
0 0 1 1 *
0 0 1 jan *
0 0 1 JAN *
0 0 1 Jan *
0 0 1 12 *
0 0 31 12 *
59 23 31 12 *
59 23 31 DEC *
0 0 29 2 *
0 0 29 feb *
59 23 29 2 *
* * 29 2 *
*/20 */8 29 2 *
0 0 28,29 2 *
0 0 28-31 2 *
0 0 29,30 feb *
0 0 29-31 2,4 *
0 0 31 1,3,5 *
0 0 31 */2 *
0 0 31 4-7 *
0 0 31 jan-jun *
0 0 30 1-2 *
0 0 1 */3 *
0 0 1 */5 *
0 0 1 */12 *
0 0 1 1/6 *
0 0 1 2/4 *
0 0 1 11/1 *
0 0 1 1-12 *
0 0 1 jan-dec/4 *
0 0 1 mar,jun,SEP,Dec *
0 0 1 6-8 *
* * * 2 *
* * * feb *
0 * * 2 *
0 0 * 2 *
0 0 * 1,12 *
30 4 * sep-nov *
0 0 ? * *
0 0 * * ?
0 0 ? * ?
0 0 1 * ?
0 0 31 * ?
0 0 ? * mon
0 0 ? 2 1-5
0 0 * * 0
0 0 * * 1
0 0 * * 6
0 0 * * 7 -> 0 0 * * 0
0 0 * * sun
0 0 * * SUN
0 0 * * Mon
0 0 * * sat
0 9 * * 1-5
0 9 * * mon-fri
0 9 * * MON-FRI
*/15 9-17 * * mon-fri
0 0 * * 0,6
0 0 * * sat,sun
0 0 * * 6-7 -> 0 0 * * 6,0
0 0 * * 6,7 -> 0 0 * * 6,0
0 0 * * 0-7 -> 0 0 * * 0-6
0 0 * * 1-7 -> 0 0 * * 0-6
0 0 * * 5-7 -> 0 0 * * 5,6,0
0 0 * * fri-7 -> 0 0 * * fri,sat,sun
0 0 * * 0,7 -> 0 0 * * 0
0 0 * * 7-7 -> 0 0 * * 0
0 0 * * 1-7/2 -> 0 0 * * 1,3,5,0
0 0 * * 1-7/3 -> 0 0 * * 1,4,0
0 0 * * 0-7/7 -> 0 0 * * 0
0 0 * * 7/2 -> 0 0 * * 0/2
0 0 * * 7/3 -> 0 0 * * 0/3
0 0 * * sun-sat
0 0 * * sun-tue,fri
0 0 * * mon,wed,fri
0 0 * * 1,3,5
0 0 * * */2
0 0 * * */3
0 0 * * */7
0 0 * * 0/2
0 0 * * 1/2
0 0 * * 1/3
0 0 * * 2/6
0 0 * * tue/2
0 0 * * 1-5/2
0 0 * * mon-sat/5
* * * * sun
*/30 * * * sat
0 0 * 2 mon
0 0 * feb sun
0 0 * jan,feb SUN
59 23 * 12 5
0 12 * 6-8 6,7 -> 0 12 * 6-8 6,0
0/20 8-18/5 * */4 2-4
17 3 * 11 thu
`

// independently works out ten fire times by another implementation. It looks five years
// ahead at most, and so not from one leap day to the next around 2100.
func independently(t *testing.T, expression string, after time.Time) []time.Time {
	t.Helper()
	schedule, err := cron.ParseStandard(expression)
	if err != nil {
		t.Fatal(err)
	}
	var times []time.Time
	for len(times) < 10 {
		next := schedule.Next(after)
		for look := after; next.IsZero(); next = schedule.Next(look) {
			look = look.AddDate(4, 0, 0)
		}
		times, after = append(times, next), next
	}
	return times
}

// From leap days, ends of months and years, and the year 2100, which is none of 366 days.
func TestCronFireTimes(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(cronTable)) {
		ours, theirs, other := strings.Cut(strings.TrimSpace(line), " -> ")
		if !other {
			theirs = ours
		}
		seen[ours] = true
		i := parseInterval(t, ours, nil)
		for _, text := range []string{
			"2024-02-28 23:59:59", "2024-02-29 00:00:00", "2023-02-28 12:30:00", "2026-01-31 23:59:00", "2026-04-30 23:59:30", "2025-12-31 23:59:59",
			"2026-07-04 09:15:00", "2096-02-29 12:00:00", "2099-12-31 23:59:59", "2100-02-28 23:59:00", "2000-02-28 00:00:01", "1970-01-01 00:00:00",
		} {
			after := clock(t, "UTC", text)
			sameTimes(t, ours+" after "+text, nextTen(i, time.Time{}, after), independently(t, theirs, after))
		}
	}
	if len(seen) < 150 {
		t.Errorf("only %d expressions are looked at", len(seen))
	}
}
