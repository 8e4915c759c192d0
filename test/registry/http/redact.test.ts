import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redactText, redactUrl } from '../../../src/registry/http/redact.ts'

describe('a URL for messages', () => {
  it.each([
    ['https://u:canary@r.test/v2/?n=10&last=a/b#canary', 'https://r.test/v2/?n=10&last=a/b'],
    ['https://r.test/u?digest=sha256:00&_state=canary', 'https://r.test/u?digest=sha256:00&_state=…'],
    [
      'https://r.test/t?scope=repository:a:pull,push&scope=x',
      'https://r.test/t?scope=repository:a:pull,push&scope=x',
    ],
    ['https://s3.test/b?X-Amz-Signature=canary&N=canary', 'https://s3.test/b?X-Amz-Signature=…&N=…'],
    ['https://r.test/v2/', 'https://r.test/v2/'],
    ['https://r.test/x?page=3&per_page=100&limit=canary', 'https://r.test/x?page=3&per_page=100&limit=…'],
    ['https://api.test/v?per_page=100&page=2&q=canary', 'https://api.test/v?per_page=100&page=2&q=…'],
  ])('%s is %s', (url, shown) => {
    expect(redactUrl(new URL(url))).toBe(shown)
  })

  it('never shows a user, a fragment or an unknown parameter', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zA-Z_-]{1,12}$/), fc.webPath(), (name, path) => {
        fc.pre(
          ![
            'n',
            'last',
            'tag',
            'mount',
            'from',
            'digest',
            'digest-algorithm',
            'artifactType',
            'scope',
            'service',
            'page',
            'per_page',
            'page_size',
          ].includes(name),
        )
        const url = new URL(`https://canary:canary@r.test${path}`)
        fc.pre(!path.includes('canary'))
        url.searchParams.set(name, 'canary')
        url.hash = 'canary'
        fc.pre(!name.includes('canary'))
        expect(redactUrl(url)).not.toContain('canary')
      }),
    )
  })
})

describe('text of a registry', () => {
  it.each([
    ['denied for https://u:canary@r.test/v2/x?n=1&sig=canary.', 'denied for https://r.test/v2/x?n=1&sig=….'],
    ['clone git+ssh://u:canary@r.test/x failed', 'clone git+ssh://r.test/x failed'],
    ['sent Authorization: Basic Y2FuYXJ5', 'sent Authorization: Basic …'],
    ['bad token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ9.c2lnbmF0dXJl', 'bad token …'],
    ['user dckr_pat_Canary0123456789abcdef is blocked', 'user … is blocked'],
  ])('%s is redacted to %s', (text, redacted) => {
    expect(redactText(text)).toBe(redacted)
  })

  it.each([
    "tag already exists: The image tag '1.4.2' already exists in the 'prod/api' repository and cannot be overwritten",
    'manifest sha256:207bc31be218f3ac8bc8de46c92f5a4f1f2a8fef38fd201cc086266ff605c031 unknown (ImageTagAlreadyExistsException)',
    'request 107fe308-8556-4587-b2fc-06a78c91be48 of 2026-11-23 was throttled, see https://docs.test/limits/',
    'requested access to the resource is denied: repository registry.example.com:5000/acme/api-service-1.4.2',
  ])('is unchanged if it contains no secret: %s', (text) => {
    expect(redactText(text)).toBe(text)
  })
})
