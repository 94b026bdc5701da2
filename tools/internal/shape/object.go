package shape

import "bytes"

func (p *shaper) object(at place) error {
	p.at++
	p.out = append(p.out, '{')
	begin := len(p.out)
	o := openObject{place: at, begin: begin}
	if p.peek() != '}' {
		for {
			if err := p.member(&o); err != nil {
				return err
			}
			c := p.peek()
			if c == '}' {
				break
			}
			if c != ',' {
				return errNotJSON
			}
			p.at++
		}
	}
	p.at++
	p.due(&o)
	p.out = append(p.out, '}')
	return nil
}

// name copies a member's name.
func (p *shaper) name() error {
	sent := p.Sent
	p.Sent = "" // no name is an echo
	err := p.text(0)
	p.Sent = sent
	return err
}

// openObject is the state of an object being copied.
type openObject struct {
	place
	begin    int    // offset of its members in out
	deadline []byte // as JSON
	isDone   bool   // a completed task: its deadline no longer matters
	hasDue   bool   // the platform has a "_due" of its own
}

// member copies one member.
func (p *shaper) member(o *openObject) error {
	undo := len(p.out)
	if undo > o.begin {
		p.out = append(p.out, ',')
	}
	nameAt := len(p.out)
	if p.peek() != '"' {
		return errNotJSON
	}
	if err := p.name(); err != nil {
		return err
	}
	name := p.out[nameAt+1 : len(p.out)-1]
	if p.peek() != ':' {
		return errNotJSON
	}
	p.at++
	p.out = append(p.out, ':')
	valueAt := len(p.out)
	c := p.peek()
	start := p.at

	below := place{depth: o.depth + 1, inScope: o.inScope, inItem: o.inItem, isNotes: o.isNotes}
	below.isWork = o.isWork || o.depth == 0 && string(name) == "submissions"
	switch p.Summary {
	case Whole:
	case Lists:
		below.isList = o.depth <= 1 && c == '[' && !o.inItem && !p.IsList
		below.isNotes = below.isNotes || p.Notes > 0 && o.inItem && isNotes(name)
	case Submissions:
		below.inScope = below.inScope || o.depth == 0 && c == '[' && isHistory(name)
		below.isNotes = below.isNotes || o.inItem && isNotes(name)
	default:
		if o.depth == 0 && string(name) == string(p.Summary) {
			below.inScope, below.isList = true, c == '['
		}
	}
	if err := p.value(below); err != nil {
		return err
	}
	value := p.src[start:p.at]
	name = p.out[nameAt+1 : nameAt+1+len(name)] // out may have moved

	isTop := o.depth == 0
	switch {
	case isTop && p.Drop != "" && string(name) == p.Drop:
		p.out = p.out[:undo]
		return nil
	case c == 'n' && (o.inItem && p.Summary != Submissions || p.Summary == Lists):
		p.Nulls++
		p.out = p.out[:undo]
		return nil
	case isTop && isAdded(name):
		p.move(string(name), p.out[valueAt:])
		p.out = p.out[:undo]
		return nil
	case isTop && len(p.Types) > 0:
		if kind, ok := p.Types[string(name)]; ok && !kind.fits(value, p.onlyObjects) {
			p.move(string(name), p.out[valueAt:])
			p.out = p.out[:undo]
			if below.isList {
				p.items = sharing{}
			}
			return nil
		}
	}
	p.note(o, name, value, span{undo, len(p.out)})
	return nil
}

// note records a member that is used elsewhere.
func (p *shaper) note(o *openObject, name, value []byte, at span) {
	isScalar := value[0] != '{' && value[0] != '['
	if p.Summary == Lists && !o.inItem && o.depth <= 1 && isScalar {
		p.Envelope = append(p.Envelope, Scalar{string(name), value})
	}
	switch string(name) {
	case "deadline":
		o.deadline = value
	case "_due":
		o.hasDue = true
	case "status":
		o.isDone = string(value) == `"completed"`
		switch {
		case o.depth == 0:
			p.Status = string(bytes.Trim(value, `"`))
		case o.isWork && o.depth == 2:
			p.LastSubmission = string(bytes.Trim(value, `"`))
		}
	case "payout_display":
		if o.isList && p.Options.Payouts {
			p.Result.Payouts = append(p.Result.Payouts, value)
		}
	case "project_id", "project_title":
		switch {
		case o.isList && isScalar && p.Summary != Whole:
			p.items.add(name, value, at, o.begin)
		case o.depth == 0:
			p.items.isTaken = true
		}
	}
}

// isAdded reports whether a member has a name of those that are added to answers: what
// the platform says must not pass for what this server says.
func isAdded(name []byte) bool {
	return string(name) == "_notice" || string(name) == "_now"
}

// move moves a member to "_unexpected".
func (p *shaper) move(name string, value []byte) {
	p.Unexpected = append(p.Unexpected, name)
	if len(p.unexpected) > 0 {
		p.unexpected = append(p.unexpected, ',')
	}
	p.unexpected = append(append(append(p.unexpected, '"'), name...), `":`...)
	p.unexpected = append(p.unexpected, value...)
}
