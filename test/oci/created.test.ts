import { describe, expect, it } from 'vitest'
import { parseCreated, parsePlausibleTime } from '../../src/oci/created.ts'

const now = Date.UTC(2026, 5, 1)

describe('the time of an image', () => {
  it.each(['2026-01-02T03:04:05Z', '2026-01-02t03:04:05.000z', '2026-01-02 05:04:05+02:00'])(
    'is parsed from %s',
    (text) => {
      expect(parsePlausibleTime(text, now)).toBe(Date.UTC(2026, 0, 2, 3, 4, 5))
    },
  )

  it.each(['', 'yesterday', '2026-01-02', '1735787045', '2026-13-45T00:00:00Z', '2026-01-02T03:04:05'])(
    'is unknown if the text is not a time of RFC 3339: %j',
    (text) => {
      expect(parseCreated(text)).toBeUndefined()
    },
  )

  it.each(['1970-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '1980-01-01T00:00:01Z', '2026-06-01T00:00:01Z'])(
    'is unknown if it is not plausible: %s',
    (text) => {
      expect(parsePlausibleTime(text, now)).toBeUndefined()
    },
  )
})
