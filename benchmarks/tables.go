package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"

	"github.com/rsguard/rsguard/benchmarks/measure"
	"github.com/rsguard/rsguard/benchmarks/report"
	"github.com/rsguard/rsguard/benchmarks/rows"
)

// measureAll measures all rows whose names match, algorithm by algorithm.
func measureAll(ctx context.Context, rounds int, pattern *regexp.Regexp) (report.Report, error) {
	var selected []rows.Row
	var modules []string
	for _, row := range rows.All() {
		if row.Role == rows.Yardstick || pattern.MatchString(row.Name) {
			selected = append(selected, row)
			modules = append(modules, row.Modules...)
		}
	}
	slices.Sort(modules)

	result := report.New(rounds, slices.Compact(modules))
	for _, alg := range rows.Algorithms {
		fmt.Fprintln(os.Stderr, "measuring", alg)
		tables, err := measureAlgorithm(ctx, rounds, alg, selected)
		if err != nil {
			return report.Report{}, fmt.Errorf("%s: %w", alg, err)
		}
		result.Tables = append(result.Tables, tables...)
	}

	return result, nil
}

// measureAlgorithm measures all rows in turns with one issuer's token, and
// returns one table for each group.
func measureAlgorithm(ctx context.Context, rounds int, alg string, selected []rows.Row) ([]report.Table, error) {
	issuer, err := rows.NewIssuer(alg)
	if err != nil {
		return nil, err
	}
	defer issuer.Close()

	// What a row keeps running in the background ends with it.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	cases := make([]measure.Case, 0, len(selected))
	for _, row := range selected {
		checker, err := row.Open(ctx, issuer)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", row.Name, err)
		}
		check := checker(issuer.Token)
		cases = append(cases, measure.Case{Name: row.Name, Run: func() error {
			_, err := check()

			return err
		}})
	}
	results, err := measure.Rounds(rounds, cases)
	if err != nil {
		return nil, err
	}

	return group(alg, issuer, selected, results), nil
}

// group parts the results into one table for each group of rows, fastest first.
func group(alg string, issuer *rows.Issuer, selected []rows.Row, results []measure.Result) []report.Table {
	var tables []report.Table
	for _, g := range []rows.Group{rows.Call, rows.Stack} {
		table := report.Table{Title: fmt.Sprintf("%s: %s", alg, g)}
		if g == rows.Call {
			table.Note = fmt.Sprintf("A token of %d bytes. Its bare signature takes %.1f µs.",
				len(issuer.Token), results[0].Nanoseconds/1000)
		}
		for i, row := range selected {
			if row.Group == g {
				table.Rows = append(table.Rows, reportRow(row.Role, results[i]))
			}
		}
		if len(table.Rows) == 0 {
			continue
		}
		slices.SortStableFunc(table.Rows, func(a, b report.Row) int {
			if a.Ratio < b.Ratio {
				return -1
			}

			return 1
		})
		table.Compare(string(rows.Peer))
		tables = append(tables, table)
	}

	return tables
}

func reportRow(role rows.Role, r measure.Result) report.Row {
	return report.Row{
		Name:        r.Name,
		Role:        string(role),
		Nanoseconds: r.Nanoseconds,
		Ratio:       r.Ratio,
		Allocations: r.Allocations,
		Bytes:       r.Bytes,
	}
}
