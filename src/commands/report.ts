import { boolean, string } from '@oclif/core/flags'
import { parseMoment } from '../audit/query/filter.ts'
import { logFlag } from '../cli/audit/audit-flags.ts'
import { BaseCommand } from '../cli/command/base-command.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import { scopeFlags } from '../cli/prune/prune-flags.ts'
import type { ReportRequest } from '../cli/report/gather-report.ts'
import { formatCommand } from '../cli/report/format-command.ts'
import { checkReportFile, writeReportFile } from '../cli/report/report-file.ts'
import { exitOfReport } from '../cli/report/report-exit.ts'
import { parseSections } from '../cli/report/sections-flag.ts'
import { DrayError } from '../lib/errors.ts'
import { renderError } from '../render/error.ts'
import { renderReportSummary } from '../render/report-summary.ts'
import type { Report } from '../usecases/report/report.ts'

const defaultFile = 'dray-report.html'

export default class ReportCommand extends BaseCommand {
  static override summary = 'Write one HTML page about images and registries.'
  static override description = `The page needs no script, font or network. Open it from disk, publish it as a CI artifact, or send it by mail. dray only reads: it plans a prune with each retention policy, and deletes nothing.

Sections:

- status: images by environments, as \`dray status\`
- timeline: promotions, rollbacks and refusals, from the audit log
- anomalies: unusual changes of the last 7 days, as \`dray audit anomalies\`
- retention: images to delete and to keep with the reasons, as \`dray prune\`
- usage: stored bytes, growth and last pulls, as \`dray usage\`

A section that cannot be read has the error in its place, and dray exits with 4. A section that dray.yaml does not configure says how to configure it.

The page names people, images and repositories. Publish it accordingly. With \`--json\`, dray prints all values in one document, and writes the page only if you pass \`--out\`.`
  static override examples = [
    { description: 'Write all sections to dray-report.html', command: 'dray report' },
    {
      description: 'Write two sections about the last 30 days',
      command: 'dray report --sections usage,retention --since 30d --out report.html',
    },
    {
      description: 'Print the values for another program',
      command: `dray report --json \\
    | jq '.result.sections.status.value.summary'`,
    },
  ]
  static override flags = {
    out: string({
      summary: `File of the page (default: ${defaultFile}, - is stdout).`,
      helpValue: 'FILE',
      helpGroup: flagGroups.output,
    }),
    sections: string({
      summary: 'Only these sections, such as status,usage.',
      helpValue: 'NAME,...',
      helpGroup: flagGroups.output,
    }),
    since: string({
      summary: 'Start of timeline and growth.',
      helpValue: 'TIME',
      default: '90d',
      helpGroup: flagGroups.output,
    }),
    all: boolean({
      char: 'a',
      summary: 'Show every row and bar.',
      helpGroup: flagGroups.output,
    }),
    ...scopeFlags,
    'in-use': string({
      summary: 'Protect the images in this file.',
      helpValue: 'FILE',
      helpGroup: flagGroups.safety,
      multiple: true,
      multipleNonGreedy: true,
    }),
    ...logFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(ReportCommand)
    const isText = this.format === 'text'
    if (!isText && flags.out === '-') throw twoOutputs(this.format)
    if (flags['in-use']?.includes('-') === true) throw listOnStdin()
    const file = flags.out ?? (isText ? defaultFile : undefined)
    const request: ReportRequest = {
      sections: parseSections(flags.sections),
      since: parseMoment(flags.since, 'since', this.context.clock.now(), '--since'),
      policy: flags.policy,
      inUse: flags['in-use'] ?? [],
      cache: flags.cache,
      auditFile: flags['audit-file'],
      command: formatCommand('report', this.argv),
    }
    if (file !== undefined && file !== '-') await this.#checkFile(file, request.auditFile)
    const { gatherReport } = await import('../cli/report/gather-report.ts')
    const report = await gatherReport(request, this.context, this.call)
    await this.#write(report, file, flags.all)
  }

  async #checkFile(file: string, auditFile: string | undefined): Promise<void> {
    const [log, { file: configuration }] = await Promise.all([
      this.context.auditPath(auditFile),
      this.context.config(),
    ])
    await checkReportFile(file, this.context.cwd, { log, configuration })
  }

  async #write(report: Report, file: string | undefined, all: boolean): Promise<void> {
    const exitCode = exitOfReport(report)
    if (file === undefined) return this.finish({ ...report, file: null }, () => '', exitCode)
    const { renderReportPage } = await import('../render/html/report-page.ts')
    const { page, sections } = renderReportPage(report, all)
    if (file === '-') {
      process.exitCode = exitCode
      await this.pour(toChunks(page))
    } else {
      await writeReportFile(file, this.context.cwd, page)
      const written = { file, bytes: Buffer.byteLength(page) }
      this.finish({ ...report, file }, (shown) => renderReportSummary(sections, written, shown), exitCode)
    }
    for (const section of Object.values(report.sections))
      if (section.state === 'failed') this.printAside(renderError(section.error, this.errorPage.style))
  }
}

async function* toChunks(page: string): AsyncGenerator<string, void, undefined> {
  yield page
}

function listOnStdin(): DrayError {
  return new DrayError('usage', '--in-use - is not possible: a report reads the list several times', {
    hint: 'Write the list to a file, and pass the file with --in-use.',
  })
}

function twoOutputs(format: string): DrayError {
  return new DrayError('usage', `-o ${format} and --out - both write to stdout`, {
    hint: 'Name a file with --out, or omit one of the two.',
  })
}
