import { type Content, markup, type Markup } from '../markup.ts'

export interface HtmlColumn {
  readonly title: string
  /** aligned to the right */
  readonly isNumber?: boolean
}

export interface DataTable {
  /** read before the table by screen readers */
  readonly caption: string
  readonly columns: readonly HtmlColumn[]
  /** the first cell of each row is its heading */
  readonly rows: readonly (readonly Content[])[]
  /** the last row, about those that are not shown */
  readonly others?: readonly Content[] | undefined
  readonly total?: readonly Content[] | undefined
}

/** Renders a table. On a narrow screen each row is a list with the titles of the columns. */
export function renderDataTable({ caption, columns, rows, others, total }: DataTable): Markup {
  const heads = columns.map(
    ({ title, isNumber }) => markup`<th scope="col" ${numeric(isNumber)}>${title}</th>`,
  )
  return markup`<div class="scroll">
    <table class="stack">
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${heads}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            markup`<tr>
              ${rowCells(cells, columns)}
            </tr> `,
        )}${
          others &&
          markup`<tr class="others">
            ${rowCells(others, columns)}
          </tr> `
        }${
          total &&
          markup`<tr class="total">
            ${rowCells(total, columns)}
          </tr> `
        }
      </tbody>
    </table>
  </div>`
}

function rowCells(cells: readonly Content[], columns: readonly HtmlColumn[]): readonly Markup[] {
  return cells.map((cell, i) => {
    const { title = '', isNumber } = columns[i] ?? {}
    return i === 0
      ? markup`<th scope="row">${cell}</th>`
      : markup`<td data-l="${title}" ${numeric(isNumber)}>${cell}</td>`
  })
}

function numeric(isNumber: boolean | undefined): Markup | undefined {
  return isNumber === true ? markup` class="n"` : undefined
}
