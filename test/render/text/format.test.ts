import { describe, expect, it } from 'vitest'
import { parseDigest } from '../../../src/oci/digest.ts'
import {
  formatAge,
  formatBytes,
  formatCost,
  formatCount,
  formatDuration,
  formatLatency,
  shortenDigest,
} from '../../../src/render/text/format.ts'

describe('formatCost', () => {
  it.each([
    [0, '0.00'],
    [8.6e-7, '<0.01'],
    [0.01, '0.01'],
    [12.345, '12.35'],
  ])('%d is %s', (cost, text) => {
    expect(formatCost(cost)).toBe(text)
  })
})

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 KiB'],
    [1024, '1.0 KiB'],
    [1024 * 99.94, '99.9 KiB'],
    [1024 * 99.96, '100 KiB'],
    [1024 * 999.6, '1.0 MiB'],
    [3.4 * 1024 ** 2, '3.4 MiB'],
    [2 * 1024 ** 3, '2.0 GiB'],
  ])('writes %d bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })
})

describe('formatDuration', () => {
  it.each([
    [0, 'less than 1 s'],
    [499, 'less than 1 s'],
    [500, '1 s'],
    [20_100, '20 s'],
    [59_499, '59 s'],
    [59_500, '1 min'],
    [65_400, '1 min 5 s'],
    [3_599_600, '1 h'],
    [7_380_000, '2 h 3 min'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })
})

describe('formatLatency', () => {
  it.each([
    [12.4, '12 ms'],
    [999.6, '1.0 s'],
    [1500, '1.5 s'],
    [59_960, '1 min'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(formatLatency(ms)).toBe(text)
  })
})

describe('formatAge', () => {
  const [minute, hour, day] = [60, 3600, 86_400]
  it.each([
    [-5, '0s'],
    [59.9, '59s'],
    [60, '1m'],
    [hour - 1, '59m'],
    [47 * hour + 59 * minute, '47h'],
    [48 * hour, '2d'],
    [59 * day, '59d'],
    [60 * day, '1mo'],
    [730 * day, '23mo'],
    [731 * day, '2y'],
  ])('writes %d s as %s', (seconds, text) => {
    expect(formatAge(seconds * 1000)).toBe(text)
  })
})

describe('shortenDigest and formatCount', () => {
  it('keep the algorithm and twelve digits', () => {
    expect(shortenDigest(parseDigest(`sha512:${'0123456789abcdef'.repeat(8)}`))).toBe('sha512:0123456789ab')
  })

  it('use singular and plural', () => {
    expect([formatCount(1, 'tag'), formatCount(2, 'tag'), formatCount(0, 'entry', 'entries')]).toEqual([
      '1 tag',
      '2 tags',
      '0 entries',
    ])
  })
})
