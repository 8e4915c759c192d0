import { project } from '../../../src/cli/project.ts'
import { wrap } from '../../../src/render/text/width.ts'
import type { Architecture } from '../image/debian/pins.ts'
import { debianVersion } from './changelog.ts'

/** The account of the repository answers for the package. */
export const maintainer: string = `The dray maintainers <${ownerOf(project.repository)}@users.noreply.github.com>`

function ownerOf(repository: string): string {
  return new URL(repository).pathname.split('/')[1] ?? ''
}

const details =
  'dray copies images with their signatures, SBOMs and attestations from one environment to the next. It writes version tags and floating tags, deletes images by retention policy, and records every change in an audit log.'

interface ControlFields {
  readonly version: string
  readonly architecture: Architecture
  readonly depends: string
  /** in KiB */
  readonly installedSize: number
}

/** The file `control` (deb-control(5)). */
export function controlFile(fields: ControlFields): string {
  return `${[
    'Package: dray',
    `Version: ${debianVersion(fields.version)}`,
    `Architecture: ${fields.architecture}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${fields.installedSize}`,
    ...(fields.depends === '' ? [] : [`Depends: ${fields.depends}`]),
    // The pager of long text.
    'Suggests: less',
    'Section: admin',
    'Priority: optional',
    `Homepage: ${project.repository}`,
    'Description: promote container images between environments by digest',
    ...wrap(details, 76).map((line) => ` ${line}`),
  ].join('\n')}\n`
}

/** The file `copyright` (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/). */
export function copyrightFile(year: string): string {
  return `${[
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
    'Upstream-Name: dray',
    `Source: ${project.repository}`,
    'Comment: The program contains packages of other authors and the Bun runtime.',
    ' /usr/share/doc/dray/THIRD_PARTY_NOTICES.gz has their copyright notices and',
    ' licences.',
    '',
    'Files: *',
    `Copyright: ${year} the authors of dray`,
    'License: Apache-2.0',
    ' Licensed under the Apache License, Version 2.0. You may not use this program',
    ' except in compliance with the License.',
    ' .',
    ' On Debian systems, /usr/share/common-licenses/Apache-2.0 has the complete text',
    ' of the License.',
  ].join('\n')}\n`
}
