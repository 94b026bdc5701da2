package watch

// watcher is one watch of a target.
type watcher struct {
	changed func(state []byte)
	turn    chan struct{} // held while changed is running, and by stop
	stopped bool          // guarded by turn
}

func newWatcher(changed func([]byte)) *watcher {
	return &watcher{changed: changed, turn: make(chan struct{}, 1)}
}

// tell calls changed, unless the watcher has stopped, and returns its panic as an
// error.
func (w *watcher) tell(state []byte) error {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	if w.stopped {
		return nil
	}
	return protect("telling of its change", func() { w.changed(state) })
}

// stop waits for a running call of changed, and prevents further ones.
func (w *watcher) stop() {
	w.turn <- struct{}{}
	w.stopped = true
	<-w.turn
}
