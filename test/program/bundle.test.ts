import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const chunks = join(import.meta.dirname, '..', '..', 'dist', 'chunks')

describe('the bundle', () => {
  it('has an HTTP client that does not load HTTP/2', () => {
    const client = readFileSync(join(chunks, 'undici.cjs'), 'utf8')
    expect(client).toContain('node:net')
    expect(client).not.toMatch(/require\(["'](?:node:)?http2["']\)/)
  })
})
