import type { Notice } from '../notices.ts'
import { bunVersion } from './bun-packages.ts'

/** Libraries in Bun whose licences require a notice, by their SPDX expression. */
const libraries: readonly (readonly [name: string, license: string])[] = [
  ['JavaScriptCore and WebKit', 'LGPL-2.0-or-later'],
  ['TinyCC', 'LGPL-2.1'],
  ['BoringSSL', 'Apache-2.0, ISC'],
  ['brotli, c-ares, libdeflate, ls-hpack, lsquic, mimalloc, picohttpparser, uucode', 'MIT'],
  ['libarchive, libbase64, libspng', 'BSD-2-Clause'],
  ['libjpeg-turbo, libwebp, lol-html, zstd', 'BSD-3-Clause'],
  ['highway, simdutf, uSockets, uWebSockets', 'Apache-2.0'],
  ['ICU', 'Unicode-3.0'],
  ['zlib-ng', 'Zlib'],
]

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`

/**
 * The runtime in the standalone binaries. Its packages have no licence text, so the parts are named
 * here. The sources that relink JavaScriptCore (LGPL) are at the address.
 */
export const bunNotice: Notice = {
  name: 'bun',
  version: bunVersion,
  license: 'MIT',
  text: `Bun is a part of the standalone binaries only.

${mit}

Bun contains libraries under licences of their own. The complete list, and how to build Bun with a
changed JavaScriptCore, is at https://github.com/oven-sh/bun/blob/bun-v${bunVersion}/LICENSE.md.

${libraries.map(([name, license]) => `- ${name}: ${license}`).join('\n')}`,
}
