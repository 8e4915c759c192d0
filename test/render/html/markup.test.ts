import { assert, constantFrom, oneof, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escapeHtml, markup } from '../../../src/render/html/markup.ts'
import { readPage } from '../../support/report/read-page.ts'

describe('the template of markup', () => {
  it('escapes text in content and in attributes', () => {
    const text = `<script>alert("1") & 'x'</script>`
    expect(markup`<p title="${text}">${text}</p>`.toString()).toBe(
      '<p title="&lt;script&gt;alert(&quot;1&quot;) &amp; &#39;x&#39;&lt;/script&gt;">' +
        '&lt;script&gt;alert(&quot;1&quot;) &amp; &#39;x&#39;&lt;/script&gt;</p>',
    )
  })

  it('inserts markup, lists and numbers, and nothing for undefined and false', () => {
    const items = ['a', 'b'].map((one) => markup`<li>${one}</li>`)
    expect(markup`<ul>${items}</ul>${undefined}${false}${3}`.toString()).toBe(
      '<ul><li>a</li><li>b</li></ul>3',
    )
  })

  it('shows controls and characters that change the direction of text', () => {
    expect(escapeHtml('a\u202eb\u0000c\u200bd\n')).toBe('a\\u{202e}b\\x00c\\u{200b}d\\n')
  })

  it('does not change the elements of a page, whatever the text is', () => {
    const pageOf = (text: string): string =>
      markup`<!doctype html>
        <p title="${text}"><b>${text}</b></p>`.toString()
    const named = (page: string) =>
      readPage(page).map(({ name, attributes }) => [name, [...attributes.keys()]])
    const expected = named(pageOf('x'))
    const hostile = string({
      maxLength: 30,
      unit: constantFrom('<', '>', '"', "'", '&', '/', '=', 'a', ' ', ';', '\u202e', '\ud800'),
    })
    assert(
      property(oneof(string({ unit: 'binary', maxLength: 30 }), hostile), (text) => {
        expect(named(pageOf(text))).toEqual(expected)
      }),
    )
  })
})
