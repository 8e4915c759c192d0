import { describe, expect, it } from 'vitest'
import { withinList } from '../../../../src/registry/client/lists/next-page.ts'

const list = 'https://r.example.com/v2/docker/team/api/tags/list?n=1000'

describe('the next page of a list', () => {
  it.each([
    ['/v2/team/api/tags/list?last=a&n=1000', '/v2/docker/team/api/tags/list?last=a&n=1000'],
    ['/v2/api/tags/list?last=a', '/v2/docker/team/api/tags/list?last=a'],
    ['?last=a', '/v2/docker/team/api/tags/list?last=a'],
    ['/v2/docker/team/api/tags/list?last=%2B', '/v2/docker/team/api/tags/list?last=%2B'],
    ['/v2/other/docker/team/api/tags/list?last=a', '/v2/other/docker/team/api/tags/list?last=a'],
    ['/v2/pi/tags/list?last=a', '/v2/pi/tags/list?last=a'],
    ['/v2/_pages/7', '/v2/_pages/7'],
    ['/', '/'],
  ])('by the link %s is %s', (link, expected) => {
    const next = withinList(new URL(link, list), new URL(list))
    expect(next.href).toBe(new URL(expected, list).href)
  })
})
