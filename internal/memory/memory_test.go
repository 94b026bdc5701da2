package memory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/openpolt/polt-mcp/internal/memory"
)

const (
	mib   = 1 << 20
	large = 64*mib + 2*96*mib // of which 40 MiB are for calls, 24 for large requests and 32 for large answers
)

var (
	ada     = memory.Caller{ID: "ada", Known: true}
	grace   = memory.Caller{ID: "grace", Known: true}
	unknown = memory.Caller{ID: "unknown"}
)

// nobody returns a caller that shares with nobody.
func nobody() memory.Caller { return memory.Caller{Known: true} }

func TestWhatDoesNotFitIsRefusedUntilThereIsRoom(t *testing.T) {
	b := memory.NewBudget(large)
	if b.Size() != 96*mib {
		t.Fatalf("%d bytes", b.Size())
	}
	first, second := b.Open(nobody()), b.Open(nobody())
	if !first.Take(30*mib) || !second.Take(10*mib) {
		t.Fatal("what fits was refused")
	}
	if second.Take(1) {
		t.Error("more than there is was taken")
	}
	if !second.TakeBody(24 * mib) {
		t.Error("a large request is refused for small ones")
	}
	first.Close()
	first.Close() // gives back once
	if b.Held() != 34*mib {
		t.Errorf("%d bytes are held", b.Held())
	}
	if !second.Take(30*mib) || b.Open(nobody()).Take(1) {
		t.Error("it is not as much as was given back")
	}
	if first.Take(1) {
		t.Error("a closed account takes more")
	}
	second.Close()
	if b.Held() != 0 {
		t.Errorf("%d bytes are held after the end", b.Held())
	}
	var none *memory.Budget
	account := none.Open(ada)
	if !account.Take(1 << 40) {
		t.Error("no budget refuses")
	}
	account.AwaitClient(nil)
	account.Proceed()
	account.Settle(1)
	account.Close()
}

func TestNoCallerGetsItAll(t *testing.T) {
	b := memory.NewBudget(large)
	first := b.Open(ada)
	if !first.Take(30 * mib) {
		t.Error("one request, however large, is refused")
	}
	more := b.Open(ada)
	if more.Take(1) {
		t.Error("a second one is taken, over the caller's share")
	}
	if !b.Open(grace).Take(1 * mib) {
		t.Error("another caller is refused")
	}
	first.Close()
	for range 10 {
		if !b.Open(ada).Take(1 * mib) {
			t.Fatal("within the share it is refused")
		}
	}
	if b.Open(ada).Take(1 * mib) {
		t.Error("many requests get more than the share")
	}
}

func TestSomeIsKeptForKnownCallers(t *testing.T) {
	b := memory.NewBudget(large)
	taken := 0
	for b.Open(memory.Caller{ID: string(rune('a' + taken))}).Take(1 * mib) {
		taken++
	}
	if taken != 30 {
		t.Errorf("%d MiB of 40 were taken by callers that are not known", taken)
	}
	for range 5 {
		if !b.Open(ada).Take(1*mib) || !b.Open(grace).Take(1*mib) {
			t.Error("a known one is refused")
		}
	}
}

// The time is virtual.
func TestWhoWaitsForItsClientGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.NewBudget(large)
		cut := make(chan string, 2)
		wait := func(name string, c memory.Caller) *memory.Account {
			a := b.Open(c)
			if !a.Take(10 * mib) {
				t.Fatal("refused")
			}
			a.AwaitClient(func() { cut <- name })
			return a
		}
		slow := wait("slow", nobody())
		<-time.After(time.Second)
		quick := wait("quick", nobody())
		busy := wait("busy", nobody())
		busy.Proceed()
		rest := b.Open(nobody())
		if !rest.Take(10 * mib) {
			t.Fatal("what fits is refused")
		}
		stranger := b.Open(memory.Caller{})
		if stranger.Take(1) || slow.GaveWay() {
			t.Error("a known one gives way to one that is not")
		}
		next := b.Open(nobody())
		if !next.Take(10*mib) || <-cut != "slow" || !slow.GaveWay() || slow.Take(1) {
			t.Error("the slow one has not given way")
		}
		if rest.Take(1) {
			t.Error("one that is not slow gives way")
		}
		<-time.After(time.Second)
		quick.AwaitClient(func() { cut <- "quick" }) // its client has taken something
		if rest.Take(1) {
			t.Error("one whose client is not slow gives way")
		}
		<-time.After(time.Second)
		if !rest.Take(1) || <-cut != "quick" {
			t.Error("it has not become slow")
		}
		if busy.GaveWay() {
			t.Error("one that does not wait has given way")
		}
	})
}

func TestWhatIsNotWrittenYetIsHeld(t *testing.T) {
	b := memory.NewBudget(large)
	a := b.Open(ada)
	if !a.Take(128<<10) || !a.TakeBody(1*mib) {
		t.Fatal("refused")
	}
	a.Settle(20 << 10)
	if b.Held() != 20<<10 {
		t.Errorf("%d bytes are held for an answer of 20 KiB", b.Held())
	}
	a.Close()
}

func TestLimits(t *testing.T) {
	for text, want := range map[string]int64{"512MiB": 512 << 20, "1GiB": 1 << 30, "200000KiB": 200000 << 10, "134217728": 128 << 20, "": memory.Limit()} {
		if got, err := memory.ParseLimit(text); got != want || err != nil {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"1MiB", "0", "-1GiB", "much", "1 TB", "9999999999GiB", "1.5GiB"} {
		if _, err := memory.ParseLimit(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
