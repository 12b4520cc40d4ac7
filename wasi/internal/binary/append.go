package binary

// AppendUint appends n as an unsigned LEB128 number (core specification 5.2.2).
func AppendUint(b []byte, n uint64) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

// AppendInt appends n as a signed LEB128 number.
func AppendInt(b []byte, n int64) []byte {
	for n < -64 || n > 63 {
		b = append(b, byte(n)&0x7f|0x80)
		n >>= 7
	}
	return append(b, byte(n)&0x7f)
}

// AppendBytes appends a vector of bytes: their number, then they.
func AppendBytes(b, content []byte) []byte {
	return append(AppendUint(b, uint64(len(content))), content...)
}

// AppendName appends a name, which must be valid UTF-8.
func AppendName(b []byte, name string) []byte {
	return append(AppendUint(b, uint64(len(name))), name...)
}

// AppendOpcode appends an opcode, with its prefix if it has one.
func AppendOpcode(b []byte, op Opcode) []byte {
	if op > 0xff {
		return AppendUint(append(b, byte(op>>8)), uint64(op&0xff))
	}
	return append(b, byte(op))
}
