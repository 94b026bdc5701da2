package stdio

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"
)

var errLineTooLong = errors.New("the line is too long")

func tooLong(limit int) string {
	return fmt.Sprintf("the message exceeds the maximum of %d bytes and was not read", limit)
}

// lineReader reads lines of a bounded length.
type lineReader struct {
	r     *bufio.Reader
	limit int
}

func newLineReader(in io.Reader, limit int) *lineReader {
	return &lineReader{bufio.NewReaderSize(in, 64<<10), limit}
}

// keptBytes is how many bytes of each end of a line that is too long are kept, to
// find the request's id in them.
const keptBytes = 4 << 10

// next returns the next line without its newline, which the last line may lack.
// The caller owns the slice. For a line that is too long it returns errLineTooLong
// with the start and end of the line; the next call continues after it.
func (l *lineReader) next() ([]byte, error) {
	var line []byte
	for {
		part, err := l.r.ReadSlice('\n')
		if len(line)+len(part) > l.limit+1 {
			return l.skip(append(line, part...), err)
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case err == bufio.ErrBufferFull:
		case err == io.EOF && len(line) > 0:
			return line, nil
		default:
			return nil, err
		}
	}
}

// skip discards the rest of a line that is too long. read is the part that has
// been read, and err the error of that read.
func (l *lineReader) skip(read []byte, err error) ([]byte, error) {
	head := bytes.Clone(read[:min(len(read), keptBytes)])
	tail := bytes.Clone(read[max(0, len(read)-keptBytes):])
	for err == bufio.ErrBufferFull {
		var part []byte
		part, err = l.r.ReadSlice('\n')
		tail = append(tail, part...)
		tail = tail[max(0, len(tail)-keptBytes):]
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	return append(head, tail...), errLineTooLong
}

// idAtEnd matches an id that is the last member of its request: the brace after
// it is the last of the line, so it closes the request itself.
var idAtEnd = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[{,]\s*"id"\s*:\s*(-?\d+|"[^"\\]*")\s*\}\s*$`)
})

// guessID returns the id of a request of which only the start and end are known,
// or nil. An error without an id would leave its client waiting.
func guessID(ends []byte) json.RawMessage {
	if m := idAtEnd().FindSubmatch(ends); m != nil {
		if isID(m[1]) {
			return m[1]
		}
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(ends))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil { // a truncated value
			return nil
		}
		if name == "id" {
			// What follows tells a number from the beginning of one, such as the 0 of 01.
			rest := bytes.TrimSpace(ends[dec.InputOffset():])
			if isID(value) && len(rest) > 0 && (rest[0] == ',' || rest[0] == '}') {
				return value
			}
			return nil
		}
	}
	return nil
}

// isID reports whether a text is JSON, and a string or a number.
func isID(text []byte) bool {
	return json.Valid(text) && (text[0] == '"' || text[0] == '-' || '0' <= text[0] && text[0] <= '9')
}
