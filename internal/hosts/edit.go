package hosts

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"
)

// A format edits files of one kind. Its methods change what they are asked to
// and keep all other bytes. They may give up with an error, and need not see
// what they did wrong: edit compares what the file means before and after.
type format interface {
	// decode returns what a file means. An empty file means an empty object.
	decode(src []byte) (map[string]any, error)
	// add adds an entry to the container, which it makes if it is missing.
	add(src []byte, container, name string, e entry) ([]byte, error)
	// set sets a member of an entry that exists.
	set(src []byte, path []string, f field) ([]byte, error)
	// unset removes a member of an entry, or a whole entry.
	unset(src []byte, path []string) ([]byte, error)
}

// Install returns the content of the host's file with the server in it. Members
// of an entry that is there already stay, as far as they do not say how the
// server is reached.
func (h *Host) Install(src []byte, s Server) ([]byte, error) {
	e, err := h.entry(s)
	if err != nil {
		return nil, err
	}
	return h.edit(src, s.Name, func(src []byte, old map[string]any) ([]byte, map[string]any, error) {
		if old == nil {
			src, err := h.format.add(src, h.container, s.Name, e)
			return src, plain(e).(map[string]any), err
		}
		for _, name := range e.obsolete(old, s.URL) {
			if src, err = h.format.unset(src, []string{h.container, s.Name, name}); err != nil {
				return nil, nil, err
			}
			delete(old, name)
		}
		for _, f := range e {
			is, ok := old[f.name]
			if ok && (f.optional || reflect.DeepEqual(is, plain(f.value))) {
				continue
			}
			if src, err = h.format.set(src, []string{h.container, s.Name, f.name}, f); err != nil {
				return nil, nil, err
			}
			old[f.name] = plain(f.value)
		}
		return src, old, nil
	})
}

// Uninstall returns the content of the host's file without the server of that
// name, or src itself if it is not in it.
func (h *Host) Uninstall(src []byte, name string) ([]byte, error) {
	return h.edit(src, name, func(src []byte, old map[string]any) ([]byte, map[string]any, error) {
		if old == nil {
			return src, nil, nil
		}
		src, err := h.format.unset(src, []string{h.container, name})
		return src, nil, err
	})
}

// Configured returns the entry of the server of that name in the host's file,
// or nil if it has none.
func (h *Host) Configured(src []byte, name string) (map[string]any, error) {
	_, _, doc, err := h.read(src)
	if err != nil {
		return nil, err
	}
	return h.lookup(doc, name)
}

// errByHand is what no safe change was found for.
var errByHand = errors.New("this file is written in a way that cannot be changed safely")

// edit changes the entry of a name, and makes sure that nothing else in the
// file means anything else than before. The change returns what the entry means
// afterwards; nil is no entry.
func (h *Host) edit(src []byte, name string, change func([]byte, map[string]any) ([]byte, map[string]any, error)) ([]byte, error) {
	body, mark, before, err := h.read(src)
	if err != nil {
		return nil, err
	}
	old, err := h.lookup(before, name)
	if err != nil {
		return nil, err
	}
	changed, expected, err := change(body, old)
	if err != nil {
		return nil, err
	}
	after, err := h.format.decode(changed)
	if err != nil {
		return nil, errByHand
	}
	is, err := h.lookup(after, name)
	if err != nil || !reflect.DeepEqual(is, expected) {
		return nil, errByHand
	}
	h.forget(before, name)
	h.forget(after, name)
	if !reflect.DeepEqual(before, after) {
		return nil, errByHand
	}
	return append(mark, changed...), nil
}

// byteOrderMark starts some files made on Windows.
var byteOrderMark = []byte("\xEF\xBB\xBF")

// read returns a file's content without its byte order mark, the mark, and what the
// file means.
func (h *Host) read(src []byte) (body, mark []byte, doc map[string]any, err error) {
	body = bytes.TrimPrefix(src, byteOrderMark)
	mark = bytes.Clone(src[:len(src)-len(body)])
	if !utf8.Valid(body) {
		return nil, nil, nil, errors.New("it is not UTF-8 text")
	}
	doc, err = h.format.decode(body)
	return body, mark, doc, err
}

// lookup returns an entry, or nil where there is none.
func (h *Host) lookup(doc map[string]any, name string) (map[string]any, error) {
	for _, key := range []string{h.container, name} {
		switch next := doc[key].(type) {
		case map[string]any:
			doc = next
		case nil:
			return nil, nil
		default:
			return nil, fmt.Errorf("%q in it is not an object", key)
		}
	}
	return doc, nil
}

// forget removes an entry, and its container where nothing is left of it.
func (h *Host) forget(doc map[string]any, name string) {
	servers, _ := doc[h.container].(map[string]any)
	delete(servers, name)
	if len(servers) == 0 {
		delete(doc, h.container)
	}
}
