package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/accounts"
)

func auditVerifyCommand(p Process) *cobra.Command {
	verify := &cobra.Command{
		Use: "verify", Short: "Find what was changed, added or taken away in the audit log", Args: cobra.NoArgs,
		Long: "Compares the audit log with its seals, which a running server makes once a minute. It exits with 1 and names\n" +
			"the first row or seal that was changed, added or taken away. Its last line names the last seal: keep it where\n" +
			"the server cannot write, and give it to a later run with --known, which then also finds seals that were taken\n" +
			"away at the end, or made again by a thief of the secret.",
	}
	var check accounts.AuditCheck
	known := verify.Flags().String("known", "", "a seal that an earlier run named: NUMBER:HASH")
	verify.Flags().StringSliceVar(&check.Trusted, "trust", nil,
		"the id of a former signing key that signed seals, when no server ran while keys were rotated, or it was revoked")
	verify.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if check.Known, err = parseSeal(*known); err != nil {
			return err
		}
		return runE(func(ctx context.Context) error { return verifyAuditLog(ctx, p, check) })(cmd, args)
	}
	return verify
}

// parseSeal reads how verifyAuditLog names a seal; "" is none.
func parseSeal(text string) (seal accounts.SealID, err error) {
	if text == "" {
		return seal, nil
	}
	number, hash, _ := strings.Cut(text, ":")
	seal.Hash = hash
	if seal.Number, err = strconv.Atoi(number); err != nil || seal.Number < 1 || len(hash) != 64 {
		return seal, fmt.Errorf("--known: %q names no seal: give what an earlier run printed at its end", text)
	}
	return seal, nil
}

func verifyAuditLog(ctx context.Context, p Process, check accounts.AuditCheck) error {
	return withAccounts(ctx, p, func(service *accounts.Service) error {
		v, err := service.VerifyAuditLog(ctx, check)
		if err != nil {
			return err
		}
		at := func(t time.Time) string { return t.Format(time.RFC3339) }
		_, err = fmt.Fprintf(p.Stdout, "%d rows in %d seals are as they were sealed, from %s until %s; "+
			"%d newer rows are not sealed yet. Of %d rows, what they said of deleted accounts is erased, with a receipt.\n%d:%s\n",
			v.Rows, v.Seals, at(v.Since), at(v.Until), v.Newer, v.Erased, v.Last.Number, v.Last.Hash)
		return err
	})
}
